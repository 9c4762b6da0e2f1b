"""The users' HTTP client: plain HTTP/1.1 over kept connections, and no more than a measurement needs.

What a client does between being woken and reading the clock is taken for the target's time, and it runs with
cold caches, since it has waited. So this one follows no redirects, keeps no cookies, unpacks nothing and reads the
clock beside the socket; docs/decisions/0010 has the figures. httptools parses, gevent waits.

The server is not trusted: an answer is bounded in bytes, and a request with all that belongs to it in time.
"""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable, Mapping
from itertools import count
from typing import NamedTuple
from urllib.parse import urlsplit

import gevent
import httptools
from gevent import socket

MOST_HEAD_BYTES = 64 * 1024
"""Of all that comes before the body, announcements (status 1xx) included."""
MOST_BODY_BYTES = 1024 * 1024
"""Of the body, the framing of its chunks included: hundreds of requests may be under way, each with one."""
_READ_BYTES = 16_384
_READS_IN_A_ROW = 16
"""A server that always has more would keep everyone else from their turn."""


class TooLargeError(Exception):
    """An answer has more bytes than any user would take."""


class Response(NamedTuple):
    """An answer, or the lack of one: status 0, and the error.

    Names of headers are in lower case; the values of one that came several times are joined by commas. Times are
    the monotonic clock's, in nanoseconds: when the request went to its connection, when the last byte was there.
    """

    status_code: int
    headers: Mapping[str, str]
    content: bytes
    error: Exception | None
    sent_ns: int
    received_ns: int


class HttpClient:
    """Sends requests to one server: as many at once as there are callers, each on a connection of its own.

    `host` is a URL of plain HTTP such as `http://127.0.0.1:8000`; a request may take `timeout_s` from when it is
    sent to the last byte of its answer, connecting included. `before_send` is called when a request is ready to
    go, and may wait. Raises ValueError for a URL of another kind.
    """

    def __init__(self, host: str, *, timeout_s: float, before_send: Callable[[], None] | None = None) -> None:
        url = urlsplit(host)
        if url.scheme != "http" or not url.hostname:
            raise ValueError(f"{host!r} is not a URL of plain HTTP; give one such as http://127.0.0.1:8000")
        self._address = (url.hostname, url.port or 80)
        self._timeout_ns, self._before_send = round(timeout_s * 1e9), before_send
        self._idle: list[_Connection] = []  # the one used last is used next: others may be closed meanwhile
        self._base = url.path.rstrip("/")
        host_port = url.netloc.rpartition("@")[2]
        self._head = f" HTTP/1.1\r\nhost: {host_port}\r\naccept: application/json\r\n".encode("ascii")

    def send(
        self, method: str, path: str, body: bytes | None = None, hang_up_after_s: float | None = None
    ) -> Response:
        """Send a request, with a body of JSON or none, and wait for the whole of its answer, or only so long."""
        request = f"{method} {self._base}{path}".encode("ascii") + self._head
        if body is None:
            request += b"\r\n"
        else:
            request += b"content-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)
        if self._before_send is not None:
            self._before_send()
        sent_ns = time.monotonic_ns()
        patience_ns = self._timeout_ns if hang_up_after_s is None else round(hang_up_after_s * 1e9)
        deadline_ns = sent_ns + patience_ns
        try:
            kept = self._kept()
            if kept is not None:
                try:
                    return self._exchange(kept, request, sent_ns, deadline_ns)
                except ConnectionError:
                    # Closed as the request went out. What reads may be sent again (RFC 9110, 9.2.2).
                    if kept.answered or method != "GET":
                        raise
            return self._exchange(self._connect(deadline_ns), request, sent_ns, deadline_ns)
        except Exception as error:  # whatever it is, the request was sent and counts
            return Response(0, {}, b"", error, sent_ns, time.monotonic_ns())

    def close(self) -> None:
        """Close the connections that are kept. Those in use go on, and are kept afterwards."""
        while self._idle:
            self._idle.pop().close()

    def _exchange(self, connection: _Connection, request: bytes, sent_ns: int, deadline_ns: int) -> Response:
        try:
            received_ns = connection.exchange(request, deadline_ns)
        except BaseException:  # the greenlet's end among them: an answer may still be on its way
            connection.close()
            raise
        if connection.keeps:
            self._idle.append(connection)
        else:
            connection.close()
        return Response(
            connection.status, _decoded(connection.headers), b"".join(connection.body), None, sent_ns, received_ns
        )

    def _kept(self) -> _Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if connection.is_quiet():
                return connection
            connection.close()
        return None

    def _connect(self, deadline_ns: int) -> _Connection:
        host, timeout_s = self._address[0], _left_s(deadline_ns)
        try:
            family = socket.AF_INET if ipaddress.ip_address(host).version == 4 else socket.AF_INET6
        except ValueError:
            # A name may take long to look up, and have several addresses.
            with gevent.Timeout(timeout_s, TimeoutError("timed out")):
                return _Connection(socket.create_connection(self._address, timeout_s))
        # Looking up what is an address already would cost a thread's turn, 0.2 ms.
        opened = socket.socket(family)
        try:
            opened.settimeout(timeout_s)
            opened.connect(self._address)
        except BaseException:
            opened.close()
            raise
        return _Connection(opened)


class _Connection:
    """A connection, and the answer read from it last. httptools calls what is named `on_`."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._parser: httptools.HttpResponseParser | None = httptools.HttpResponseParser(self)
        self._reset()

    def _reset(self) -> None:
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.body: list[bytes] = []
        self.answered = self.keeps = self._headed = self._complete = False
        self._head_bytes = self._body_bytes = 0

    def is_quiet(self) -> bool:
        """Whether nothing has come since the last answer; the end of the connection is something, too."""
        self._socket.settimeout(0.0)
        try:
            self._socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    def exchange(self, request: bytes, deadline_ns: int) -> int:
        """Send, read the whole answer, and tell when the last of it was there, in ns.

        Raises OSError, TimeoutError among them, TooLargeError, and what httptools does of an answer that is none.
        """
        assert self._parser is not None
        self._reset()
        self._socket.settimeout(_left_s(deadline_ns))
        self._socket.sendall(request)
        for reads in count(1):
            if (
                reads > 1
            ):  # the request fits into the socket's buffer: until the first read hardly any time goes by
                self._socket.settimeout(_left_s(deadline_ns))
            data = self._socket.recv(_READ_BYTES)
            received_ns = time.monotonic_ns()
            if not data:
                if self._lasts_until_closed():
                    return received_ns
                raise ConnectionError("the server closed the connection before the end of its answer")
            self.answered = True
            self._take_in(data)
            if self._complete:
                return received_ns
            if reads % _READS_IN_A_ROW == 0:
                gevent.sleep(0)
        raise AssertionError("counting has no end")

    def _take_in(self, data: bytes) -> None:
        assert self._parser is not None
        headed = self._headed
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            if not self._complete:
                raise
            self.keeps = False  # the answer is whole; what follows it is not ours
        # What came with the end of the head is counted with it, so that each bound is met within one read.
        if headed:
            self._body_bytes += len(data)
        else:
            self._head_bytes += len(data)
        if self._head_bytes > MOST_HEAD_BYTES + _READ_BYTES * self._headed or self._body_bytes > MOST_BODY_BYTES:
            raise TooLargeError("the answer is too large")

    def close(self) -> None:
        """Close it for good."""
        self._socket.close()
        self._parser = None  # it holds this connection, as this holds it

    def _lasts_until_closed(self) -> bool:
        """Whether an answer has begun that names no length, so that the connection's end is its own."""
        names = {name.lower() for name, _ in self.headers}
        return self._headed and not names & {b"content-length", b"transfer-encoding"}

    def on_message_begin(self) -> None:
        """Of an answer, or of something after it that nobody asked for."""
        if self._complete:
            raise ValueError("more than one answer")

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header, as it came; those behind a body are passed over."""
        if not self._headed:
            self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """All headers are there."""
        assert self._parser is not None
        self.status = self._parser.get_status_code()
        self._headed = self.status >= 200

    def on_body(self, data: bytes) -> None:
        """A part of the body."""
        self.body.append(data)

    def on_message_complete(self) -> None:
        """All of it is there; of a status below 200 another follows."""
        assert self._parser is not None
        if self.status < 200:
            self.headers.clear()
            return
        self._complete = True
        self.keeps = self._parser.should_keep_alive()


def _left_s(deadline_ns: int) -> float:
    """Seconds until a deadline. Raises TimeoutError where it is over: a timeout of 0 would be none at all."""
    left_ns = deadline_ns - time.monotonic_ns()
    if left_ns <= 0:
        raise TimeoutError("timed out")
    return left_ns / 1e9


def _decoded(headers: list[tuple[bytes, bytes]]) -> dict[str, str]:
    decoded: dict[str, str] = {}
    repeated: dict[str, list[str]] = {}  # joined once: thousands of one name would cost their number squared
    for raw_name, raw_value in headers:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        if name in decoded:
            repeated.setdefault(name, [decoded[name]]).append(value)
        else:
            decoded[name] = value
    for name, values in repeated.items():
        decoded[name] = ", ".join(values)
    return decoded
