"""The one HTTP reader for the harness's own questions: bounded in time and size, whatever answers.

A target may be anyone's, and hostile: it may answer in drips, with headers without end, or with "100 Continue" for
ever. So the bounds are those of the socket: every byte of an answer counts, and every wait ends with the question.
"""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

LONGEST_ANSWER = 1_000_000
"""Bytes of an answer, its head included."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. Without an answer `status` is 0 and `error` says why; `body` is None where it is no JSON."""

    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)  # names in lower case
    body: Any = None  # as JSON; None where it is none
    content: bytes = field(default=b"", repr=False)
    took_ns: int = 0
    error: str = ""

    def document(self) -> dict[str, Any]:
        """The JSON object of a 200. Raises UnusableAnswerError, which says what came instead."""
        if self.error:
            raise UnusableAnswerError(self.error)
        if self.status != http.client.OK:
            raise UnusableAnswerError(f"HTTP {self.status}")
        if not isinstance(self.body, dict):
            raise UnusableAnswerError("the answer is no JSON object")
        return self.body


class UnusableAnswerError(ValueError):
    """No answer, or one that cannot be what was asked for; the text never repeats what the target said."""


class HttpReader:
    """Asks one server over one kept-alive connection; each question may take `patience_s`, all of them
    `overall_s`.

    Once `overall_s` is over, whatever is asked is answered by an error at once. Use it as a context manager,
    from one thread at a time.
    """

    def __init__(self, url: str, patience_s: float, overall_s: float | None = None) -> None:
        parts = urlsplit(url)
        self._connection = _BoundedConnection(parts.hostname or "", parts.port)
        self._patience_s = patience_s
        self._whole_s = patience_s if overall_s is None else overall_s
        self._ends_at_s = None if overall_s is None else time.monotonic() + overall_s

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; another question opens it again."""
        self._connection.close()

    @property
    def left_s(self) -> float:
        """What is left for the next question."""
        if self._ends_at_s is None:
            return self._patience_s
        return min(self._patience_s, self._ends_at_s - time.monotonic())

    def ask(self, method: str, path: str, body: object = None) -> Answer:
        """One request. Never raises for what the server does."""
        left_s = self.left_s
        too_late = f"no answer within {self._whole_s:g} s"
        if left_s <= 0:
            return Answer(error=too_late)
        payload = None if body is None else json.dumps(body)
        headers = {} if body is None else {"Content-Type": "application/json"}
        self._connection.allow(left_s, LONGEST_ANSWER)
        began_ns = time.perf_counter_ns()
        try:
            self._connection.request(method, path, payload, headers)
            response = self._connection.getresponse()
            text = response.read()
            took_ns = time.perf_counter_ns() - began_ns
        except TimeoutError:
            self.close()
            return Answer(error=too_late)
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.close()
            return Answer(error=_described(error))
        received = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status, received, _decoded(text), text, took_ns)


class _TooLongError(ValueError):
    """More bytes came than any answer may have."""


class _BoundedSocket(socket.socket):
    """Reads and writes until a deadline, and so many bytes."""

    deadline_s = 0.0
    left_bytes = 0

    def recv_into(self, buffer: WriteableBuffer, nbytes: int = 0, flags: int = 0) -> int:
        """What `http.client` reads with. Raises TimeoutError and _TooLongError."""
        self.await_no_longer()
        count = super().recv_into(buffer, nbytes, flags)
        self.left_bytes -= count
        if self.left_bytes < 0:
            raise _TooLongError(f"an answer of more than {LONGEST_ANSWER:,} bytes")
        return count

    def sendall(self, data: ReadableBuffer, flags: int = 0) -> None:
        """What `http.client` writes with. Raises TimeoutError."""
        self.await_no_longer()
        super().sendall(data, flags)

    def await_no_longer(self) -> None:
        """Let the next call take what is left of the time."""
        left_s = self.deadline_s - time.monotonic()
        if left_s <= 0:
            raise TimeoutError("the time is up")
        self.settimeout(left_s)


class _BoundedConnection(http.client.HTTPConnection):
    """On a bounded socket."""

    _deadline_s = 0.0
    _left_bytes = 0

    def allow(self, seconds: float, byte_count: int) -> None:
        """Bounds for the next exchange, connecting included."""
        self._deadline_s, self._left_bytes = time.monotonic() + seconds, byte_count
        self._bound()

    def connect(self) -> None:
        """As the base class does."""
        family, kind, protocol, _, address = socket.getaddrinfo(
            self.host, self.port or http.client.HTTP_PORT, type=socket.SOCK_STREAM
        )[0]
        self.sock = _BoundedSocket(family, kind, protocol)
        self._bound()
        self.sock.await_no_longer()
        self.sock.connect(address)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _bound(self) -> None:
        if isinstance(self.sock, _BoundedSocket):
            self.sock.deadline_s, self.sock.left_bytes = self._deadline_s, self._left_bytes


def _described(error: Exception) -> str:
    """In words, without a word of what the server said."""
    if isinstance(error, _TooLongError):
        return str(error)
    if isinstance(error, ConnectionRefusedError):
        return "nothing listens there"
    if isinstance(error, (http.client.RemoteDisconnected, ConnectionError)):
        return "the connection was closed instead of an answer"
    if isinstance(error, http.client.IncompleteRead):
        return "the answer was cut short"
    if isinstance(error, (http.client.HTTPException, ValueError)):
        return f"the answer is no HTTP ({type(error).__name__})"
    return f"no answer ({type(error).__name__})"


def _decoded(text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
