"""The users' HTTP client against servers on real sockets, well-behaved and not."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from typing import Protocol

import gevent
import httptools
import pytest

from scenarios.http_client import MOST_BODY_BYTES, MOST_HEAD_BYTES, HttpClient, TooLargeError
from tests.unit.scenarios.scripted_server import PATIENCE_S, SILENCE, ScriptedServer, dripping, scripted

ANSWER = b'HTTP/1.1 200 OK\r\ncontent-length: 8\r\nserver-timing: db;dur=1\r\n\r\n{"id":1}'
NOTHING: tuple[bytes, ...] = ()
"""No answer: with this at its end, a script closes the connection once a request has come."""


class Opener(Protocol):
    """Makes a client for a URL, to be closed with the test."""

    def __call__(
        self, url: str, *, timeout_s: float = ..., before_send: Callable[[], None] | None = ...
    ) -> HttpClient: ...


@pytest.fixture
def client() -> Iterator[Opener]:
    opened: list[HttpClient] = []

    def open_one(
        url: str, *, timeout_s: float = PATIENCE_S, before_send: Callable[[], None] | None = None
    ) -> HttpClient:
        http = HttpClient(url, timeout_s=timeout_s, before_send=before_send)
        opened.append(http)
        return http

    yield open_one
    for http in opened:
        http.close()


def wait_for_end(server: ScriptedServer, connection: int) -> None:
    assert server.ended[connection].wait(PATIENCE_S)


def test_requests_share_a_connection_one_after_the_other(client: Opener) -> None:
    with scripted([[ANSWER]] * 3) as server:
        http = client(server.url)
        found = [http.send("GET", "/users/1") for _ in range(3)]
    assert [(200, b'{"id":1}', None)] * 3 == [(one.status_code, one.content, one.error) for one in found]
    assert [3] == [len(seen) for seen in server.requests]


def test_requests_at_once_have_a_connection_each(client: Opener) -> None:
    with scripted([[ANSWER]], [[ANSWER]], [[ANSWER]]) as server:
        http = client(server.url)
        going = [gevent.spawn(http.send, "GET", "/") for _ in range(3)]
        gevent.joinall(going, timeout=PATIENCE_S, raise_error=True)
    assert [200] * 3 == [one.value.status_code for one in going]
    assert [1, 1, 1] == [len(seen) for seen in server.requests]


@pytest.mark.parametrize(
    ("answer", "status", "content", "kept"),
    [
        pytest.param([ANSWER], 200, b'{"id":1}', True, id="whole"),
        pytest.param([bytes([byte]) for byte in ANSWER], 200, b'{"id":1}', True, id="byte-by-byte"),
        pytest.param(
            [b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n", b"2\r\nde\r\n0\r\n\r\n"],
            200,
            b"abcde",
            True,
            id="chunked",
        ),
        pytest.param([b"HTTP/1.1 204 No Content\r\n\r\n"], 204, b"", True, id="no-content"),
        pytest.param(
            [b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n", ANSWER], 200, b'{"id":1}', True, id="announced"
        ),
        pytest.param(
            [b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok"], 200, b"ok", False, id="close"
        ),
        pytest.param([b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok"], 200, b"ok", False, id="http-1.0"),
        pytest.param(
            [b"HTTP/1.1 200 OK\r\n\r\nall ", b"there is"], 200, b"all there is", False, id="until-closed"
        ),
        pytest.param([ANSWER + ANSWER], 200, b'{"id":1}', False, id="two-at-once"),
        pytest.param([ANSWER + b"rubbish"], 200, b'{"id":1}', False, id="rubbish-behind-it"),
        pytest.param(
            [b"HTTP/1.1 307 Temporary Redirect\r\nlocation: /x\r\ncontent-length: 0\r\n\r\n"],
            307,
            b"",
            True,
            id="a-redirect-is-not-followed",
        ),
        pytest.param(
            [b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 4\r\n\r\nfull"], 503, b"full", True, id="503"
        ),
    ],
)
def test_an_answer_is_read_to_its_end_and_no_further(
    client: Opener, answer: list[bytes], status: int, content: bytes, kept: bool
) -> None:
    # The second connection is there for those whose first one is not used again.
    first = [answer, [ANSWER]] if kept else [answer]
    with scripted(first, [[ANSWER]]) as server:
        http = client(server.url)
        found = http.send("GET", "/")
        again = http.send("POST", "/", b"{}")  # never sent twice: it shows which connection was taken
    assert (status, content, None) == (found.status_code, found.content, found.error)
    assert 200 == again.status_code
    assert (1 if kept else 2) == len(server.requests)


def test_closing_closes_what_is_kept(client: Opener) -> None:
    with scripted([[ANSWER], [ANSWER]], [[ANSWER]]) as server:
        http = client(server.url)
        http.send("GET", "/")
        http.close()
        assert server.left.wait(PATIENCE_S)
        assert 200 == http.send("GET", "/").status_code


def test_headers_are_told_in_lower_case_and_repeated_ones_joined(client: Opener) -> None:
    answer = (
        b"HTTP/1.1 200 OK\r\nServer-Timing: db;dur=1\r\nX-Odd: caf\xe9\r\nserver-timing: app;dur=2\r\n"
        b"content-length: 0\r\n\r\n"
    )
    with scripted([[answer]]) as server:
        found = client(server.url).send("GET", "/")
    assert {"server-timing": "db;dur=1, app;dur=2", "x-odd": "caf\xe9", "content-length": "0"} == found.headers


def test_headers_of_an_announcement_are_not_those_of_the_answer(client: Opener) -> None:
    with scripted([[b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n", ANSWER]]) as server:
        found = client(server.url).send("GET", "/")
    assert {"content-length", "server-timing"} == set(found.headers)


def test_a_request_says_what_it_is(client: Opener) -> None:
    with scripted([[ANSWER], [ANSWER]]) as server:
        http = client(f"{server.url}/base/")
        http.send("GET", "/users/7")
        http.send("POST", "/transfers", b'{"token":"t"}')
        host = server.url.removeprefix("http://").encode()
    read, written = server.requests[0]
    assert read == b"GET /base/users/7 HTTP/1.1\r\nhost: " + host + b"\r\naccept: application/json\r\n\r\n"
    assert written.startswith(b"POST /base/transfers HTTP/1.1\r\n")
    assert b"content-type: application/json\r\ncontent-length: 13\r\n" in written
    assert written.endswith(b'\r\n\r\n{"token":"t"}')


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_connection_that_was_closed_while_idle_is_not_used(client: Opener, method: str) -> None:
    with scripted([[ANSWER]], [[ANSWER]]) as server:
        http = client(server.url)
        http.send("GET", "/")
        wait_for_end(server, 0)
        found = http.send(method, "/", b"{}" if method == "POST" else None)
    assert (200, None) == (found.status_code, found.error)
    assert [1, 1] == [len(seen) for seen in server.requests]


def test_what_reads_is_sent_again_where_a_kept_connection_closes_instead_of_answering(client: Opener) -> None:
    with scripted([[ANSWER], NOTHING], [[ANSWER]]) as server:
        http = client(server.url)
        http.send("GET", "/")
        found = http.send("GET", "/")
    assert (200, None) == (found.status_code, found.error)
    assert [2, 1] == [len(seen) for seen in server.requests]


@pytest.mark.parametrize(
    ("script", "method", "requests"),
    [
        pytest.param([[ANSWER], NOTHING], "POST", 2, id="it-writes"),
        pytest.param([NOTHING], "GET", 1, id="the-connection-is-new"),
        pytest.param([[ANSWER], [ANSWER[:20]]], "GET", 2, id="an-answer-has-begun"),
        pytest.param([[ANSWER], [ANSWER[:-1]]], "GET", 2, id="the-answer-lacks-its-end"),
    ],
)
def test_nothing_else_is_sent_again(client: Opener, script: list[list[bytes]], method: str, requests: int) -> None:
    with scripted(script, [[ANSWER]]) as server:
        http = client(server.url)
        for _ in range(requests - 1):
            http.send("GET", "/")
        found = http.send(method, "/", b"{}" if method == "POST" else None)
    assert (0, b"") == (found.status_code, found.content)
    assert isinstance(found.error, ConnectionError)
    assert [requests] == [len(seen) for seen in server.requests]


@pytest.mark.parametrize("before", [0, 1], ids=["new-connection", "kept-connection"])
def test_silence_ends_in_a_timeout_and_the_connection_is_closed(client: Opener, before: int) -> None:
    with scripted([*[[ANSWER]] * before, [SILENCE]]) as server:
        http = client(server.url, timeout_s=0.3)
        for _ in range(before):
            http.send("GET", "/")
        found = http.send("GET", "/")
        assert server.left.wait(PATIENCE_S)
    assert isinstance(found.error, TimeoutError)
    assert found.received_ns - found.sent_ns >= 290_000_000
    assert 1 == len(server.requests)


def test_a_request_may_be_hung_up_on_before_the_usual_time_is_over(client: Opener) -> None:
    with scripted([[SILENCE]], [[ANSWER]]) as server:
        http = client(server.url)
        hung_up, answered = http.send("GET", "/hold", hang_up_after_s=0.05), http.send("GET", "/users/1")
        assert server.left.wait(PATIENCE_S)
    assert isinstance(hung_up.error, TimeoutError)
    assert (answered.status_code, answered.error) == (200, None)


def test_nobody_there_is_told_as_such(client: Opener) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # not listening
        port = bound.getsockname()[1]
        found = client(f"http://127.0.0.1:{port}").send("GET", "/")
    assert isinstance(found.error, ConnectionRefusedError)
    assert (0, b"", {}) == (found.status_code, found.content, found.headers)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"rubbish\r\n\r\n", id="rubbish"),
        pytest.param(b"HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n", id="no-length"),
        pytest.param(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab", id="two-lengths"),
        pytest.param(b"HTTP/1.1 101 Switching\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n", id="upgrade"),
    ],
)
def test_what_is_no_answer_is_an_error_and_the_next_request_is_on_its_own(client: Opener, answer: bytes) -> None:
    with scripted([[answer]], [[ANSWER]]) as server:
        http = client(server.url)
        found = http.send("GET", "/")
        after = http.send("GET", "/")
    assert 0 == found.status_code
    assert isinstance(found.error, (httptools.HttpParserError, httptools.HttpParserUpgrade))
    assert (200, 2) == (after.status_code, len(server.requests))


def test_a_request_waits_until_it_may_go_and_its_time_begins_then(client: Opener) -> None:
    with scripted([[ANSWER]]) as server:
        let_go_ns: list[int] = []

        def before_send() -> None:
            gevent.sleep(0.05)
            assert not server.requests  # no connection either: opening one is part of the request's time
            let_go_ns.append(time.monotonic_ns())

        found = client(server.url, before_send=before_send).send("GET", "/")
        after_ns = time.monotonic_ns()
    assert 1 == len(let_go_ns)
    assert let_go_ns[0] <= found.sent_ns < found.received_ns <= after_ns


def test_a_user_who_is_stopped_leaves_no_connection_behind_that_still_owes_an_answer(client: Opener) -> None:
    with scripted([[SILENCE]], [[ANSWER]]) as server:
        http = client(server.url)
        going = gevent.spawn(http.send, "GET", "/")
        while not (server.requests and server.requests[0]):
            gevent.sleep(0.01)
        going.kill()
        assert server.left.wait(PATIENCE_S)
        assert 200 == http.send("GET", "/").status_code


@pytest.mark.parametrize("host", ["localhost", "::1"])
def test_a_server_is_found_by_name_and_by_either_kind_of_address(client: Opener, host: str) -> None:
    try:
        with scripted([[ANSWER]], host="127.0.0.1" if host == "localhost" else host) as server:
            url = server.url.replace("127.0.0.1", host)
            assert 200 == client(url).send("GET", "/").status_code
    except OSError as error:
        pytest.skip(f"this machine has no {host}: {error}")


@pytest.mark.parametrize("url", ["https://127.0.0.1:1", "127.0.0.1:8000", "", "http://", "ftp://x"])
def test_a_host_that_cannot_be_reached_over_plain_http_is_refused_with_the_mend(client: Opener, url: str) -> None:
    with pytest.raises(ValueError, match=r"is not a URL of plain HTTP; give one such as http://127\.0\.0\.1:8000"):
        client(url)


OK_HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK_HEAD + b"transfer-encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("head", "endless"),
    [
        pytest.param(b"", b"HTTP/1.1 100 Continue\r\n\r\n", id="100-continue-for-ever"),
        pytest.param(OK_HEAD, b"x-more: and more\r\n", id="headers-for-ever"),
        pytest.param(OK_HEAD + b"x: ", b"y", id="one-giant-header"),
        pytest.param(b"HTTP/1.1 200 ", b"O", id="a-status-line-without-end"),
        pytest.param(OK_HEAD + b"\r\n", b"body without end ", id="body-until-closed"),
        pytest.param(OK_HEAD + b"content-length: 99999999999\r\n\r\n", b"x", id="a-giant-length"),
        pytest.param(CHUNKED, b"1\r\nx\r\n", id="chunks-for-ever"),
        pytest.param(CHUNKED + b"1;", b"x", id="a-chunk-extension-for-ever"),
        pytest.param(CHUNKED + b"0\r\n", b"x-more: and more\r\n", id="trailers-for-ever"),
    ],
)
def test_an_answer_without_end_is_refused_once_it_is_too_large(
    client: Opener, head: bytes, endless: bytes
) -> None:
    most = MOST_HEAD_BYTES + MOST_BODY_BYTES + 1_000_000
    piece = endless * (65_536 // len(endless))
    with scripted(
        [[head, *[piece] * (most // len(piece))]] if head else [[piece] * (most // len(piece))]
    ) as server:
        began_s = time.monotonic()
        found = client(server.url).send("GET", "/")
        # llhttp has bounds of its own for some of these, and then it is the answer that is malformed.
        assert isinstance(found.error, (TooLargeError, httptools.HttpParserError)), found
        assert time.monotonic() - began_s < PATIENCE_S / 2
        assert (0, b"", {}) == (found.status_code, found.content, found.headers)


@pytest.mark.parametrize(
    ("head", "drop"),
    [
        pytest.param(b"", b"HTTP/1.1 100 Continue\r\n\r\n", id="announcements"),
        pytest.param(OK_HEAD + b"x: ", b"y", id="a-header"),
        pytest.param(OK_HEAD + b"content-length: 99999\r\n\r\n", b"x", id="a-body"),
        pytest.param(CHUNKED, b"1\r\nx\r\n", id="chunks"),
    ],
)
def test_what_drips_ends_at_the_deadline_of_the_whole_request(client: Opener, head: bytes, drop: bytes) -> None:
    with dripping(head, drop, every_s=0.05) as url:
        found = client(url, timeout_s=0.5).send("GET", "/")
    assert isinstance(found.error, TimeoutError)
    assert 0.45 < (found.received_ns - found.sent_ns) / 1e9 < 3.0


def test_a_flood_leaves_everyone_else_their_turn(client: Opener) -> None:
    piece = b"x" * 60_000
    body = [OK_HEAD + b"\r\n", *[piece] * (2 * MOST_BODY_BYTES // len(piece))]
    with scripted(*[[body]] * 20) as server:
        http = client(server.url)
        going = [gevent.spawn(http.send, "GET", "/") for _ in range(20)]
        turns = 0
        while not all(one.ready() for one in going):
            gevent.sleep(0)
            turns += 1
    assert [TooLargeError] * 20 == [type(one.value.error) for one in going]
    assert turns > 20


def test_many_headers_of_one_name_cost_no_more_than_their_bytes(client: Opener) -> None:
    answer = OK_HEAD + b"a:b\r\n" * 12_000 + b"content-length: 0\r\n\r\n"
    with scripted([[answer]]) as server:
        began_s = time.monotonic()
        found = client(server.url).send("GET", "/")
    assert 200 == found.status_code
    assert ", ".join(["b"] * 12_000) == found.headers["a"]
    assert time.monotonic() - began_s < 2.0


def test_an_unforeseen_error_is_told_as_one_and_not_raised(client: Opener) -> None:
    http = client("http://" + "a" * 70 + ".example")  # no label of a name may be that long
    found = http.send("GET", "/")
    assert 0 == found.status_code
    assert found.error is not None
