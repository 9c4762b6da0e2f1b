"""Whatever answers, a question of the harness is bounded in time and size, and its end is told in words."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from harness.http_reader import LONGEST_ANSWER, HttpReader, UnusableAnswerError

PATIENCE_S = 0.5
SOON_S = 3.0
"""A generous bound for an end that comes after half a second."""

Talk = Callable[[socket.socket], None]


@contextmanager
def server(talk: Talk) -> Iterator[str]:
    """Each connection is read from once, then `talk` has it, until the block ends."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    threading.Thread(target=one, args=(connection,), daemon=True).start()

        def one(connection: socket.socket) -> None:
            with connection, suppress(OSError):
                while connection.recv(65536):
                    talk(connection)

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def send(*pieces: bytes, then: bytes = b"", every_s: float = 0.0) -> Talk:
    """Pieces once, then one of them again and again."""

    def talk(connection: socket.socket) -> None:
        for piece in pieces:
            connection.sendall(piece)
        while then:
            connection.sendall(then)
            time.sleep(every_s)

    return talk


def close(connection: socket.socket) -> None:
    connection.close()


HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"


@pytest.mark.parametrize(
    ("talk", "error"),
    [
        (send(then=b" ", every_s=0.02), "no answer within 0.5 s"),  # a status line in drips
        (send(HEAD, then=b"x: y\r\n", every_s=0.02), "no answer within 0.5 s"),
        (send(HEAD, then=b"x: y\r\n"), "the answer is no HTTP"),  # more headers than there may be
        (send(then=b"HTTP/1.1 100 Continue\r\n\r\n", every_s=0.01), "no answer within 0.5 s"),
        (send(then=b"HTTP/1.1 100 Continue\r\n\r\n" * 2000), f"an answer of more than {LONGEST_ANSWER:,} bytes"),
        (send(HEAD + b"\r\n", then=b"x" * 65536), f"an answer of more than {LONGEST_ANSWER:,} bytes"),
        (send(HEAD + b"content-length: 36000000\r\n\r\n", then=b"x" * 65536), "an answer of more than"),
        (send(HEAD + b"content-length: 9\r\n\r\n", then=b"", every_s=0), "no answer within 0.5 s"),
        (send(HEAD + b"transfer-encoding: chunked\r\n\r\n", then=b"1\r\nx\r\n", every_s=0.02), "within 0.5 s"),
        (send(b"SSH-2.0-OpenSSH_9.2\r\n"), "the answer is no HTTP"),
        (close, "the connection was closed instead of an answer"),
    ],
)
def test_an_answer_without_end_or_form_ends_the_question_in_words(talk: Talk, error: str) -> None:
    with server(talk) as url, HttpReader(url, PATIENCE_S) as reader:
        began_s = time.monotonic()
        answer = reader.ask("GET", "/settings")
        assert time.monotonic() - began_s < SOON_S
    assert 0 == answer.status
    assert error in answer.error
    with pytest.raises(UnusableAnswerError):
        answer.document()


def test_nothing_that_listens_is_said_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with HttpReader(f"http://127.0.0.1:{port}", PATIENCE_S) as reader:
        assert "nothing listens there" == reader.ask("GET", "/").error


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"[1]", "the answer is no JSON object"),
        (b"[" * 200_000, "the answer is no JSON object"),
        (b'{"n": ' + b"9" * 5_000 + b"}", "the answer is no JSON object"),
        (b"\xff", "the answer is no JSON object"),
    ],
)
def test_a_body_that_is_no_object_is_said_so(body: bytes, error: str) -> None:
    whole = HEAD + b"content-length: %d\r\n\r\n%b" % (len(body), body)
    with server(send(whole)) as url, HttpReader(url, 5.0) as reader:
        answer = reader.ask("GET", "/")
        assert 200 == answer.status
        with pytest.raises(UnusableAnswerError, match=error):
            answer.document()


def test_questions_go_over_one_connection_and_a_broken_one_is_opened_again() -> None:
    seen: list[socket.socket] = []

    def talk(connection: socket.socket) -> None:
        seen.append(connection)
        connection.sendall(HEAD + b"content-length: 2\r\n\r\n{}")
        if len(seen) == 2:
            connection.close()

    with server(talk) as url, HttpReader(url, 5.0) as reader:
        answers = [reader.ask("GET", "/") for _ in range(2)]
        third = reader.ask("GET", "/")  # the connection is gone, and the question after next opens another
        last = third if third.status else reader.ask("GET", "/")
    assert [200, 200, 200] == [*(answer.status for answer in answers), last.status]
    assert seen[0] is seen[1]
    assert seen[2] is not seen[0]


def test_all_questions_together_end_with_the_whole_patience() -> None:
    with (
        server(send(HEAD, then=b"x: y\r\n", every_s=0.02)) as url,
        HttpReader(url, PATIENCE_S, PATIENCE_S) as reader,
    ):
        began_s = time.monotonic()
        assert ["no answer within 0.5 s"] * 20 == [reader.ask("GET", "/").error for _ in range(20)]
        assert time.monotonic() - began_s < SOON_S
