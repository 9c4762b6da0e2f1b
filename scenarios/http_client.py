"""The users' HTTP client: plain HTTP/1.1 over kept connections, and no more than a measurement needs.

What a client does between being woken and reading the clock is taken for the target's time, and it runs with
cold caches, since it has waited. So this one follows no redirects, keeps no cookies, unpacks nothing and reads the
clock beside the socket; docs/decisions/0010 has the figures. httptools parses, gevent waits.
"""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

import httptools
from gevent import socket

FAILURES = (OSError, httptools.HttpParserError, httptools.HttpParserUpgrade)
"""What an exchange can end with instead of an answer; timeouts are OSErrors, too."""
_READ_BYTES = 16_384


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

    `host` is a URL of plain HTTP such as `http://127.0.0.1:8000`; connecting, and each wait for the network, may
    take `timeout_s`. `before_send` is called when a request is ready to go, and may wait. Raises ValueError for a
    URL of another kind.
    """

    def __init__(self, host: str, *, timeout_s: float, before_send: Callable[[], None] | None = None) -> None:
        url = urlsplit(host)
        if url.scheme != "http" or not url.hostname:
            raise ValueError(f"{host!r} is not a URL of plain HTTP; give one such as http://127.0.0.1:8000")
        self._address = (url.hostname, url.port or 80)
        self._timeout_s, self._before_send = timeout_s, before_send
        self._idle: list[_Connection] = []  # the one used last is used next: others may be closed meanwhile
        self._base = url.path.rstrip("/")
        host_port = url.netloc.rpartition("@")[2]
        self._head = f" HTTP/1.1\r\nhost: {host_port}\r\naccept: application/json\r\n".encode("ascii")

    def send(self, method: str, path: str, body: bytes | None = None) -> Response:
        """Send a request, with a body of JSON or none, and wait for the whole of its answer."""
        request = f"{method} {self._base}{path}".encode("ascii") + self._head
        if body is None:
            request += b"\r\n"
        else:
            request += b"content-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)
        if self._before_send is not None:
            self._before_send()
        sent_ns = time.monotonic_ns()
        try:
            kept = self._kept()
            if kept is not None:
                try:
                    return self._exchange(kept, request, sent_ns)
                except ConnectionError:
                    # Closed as the request went out. What reads may be sent again (RFC 9110, 9.2.2).
                    if kept.answered or method != "GET":
                        raise
            return self._exchange(self._connect(), request, sent_ns)
        except FAILURES as error:
            return Response(0, {}, b"", error, sent_ns, time.monotonic_ns())

    def close(self) -> None:
        """Close the connections that are kept. Those in use go on, and are kept afterwards."""
        while self._idle:
            self._idle.pop().close()

    def _exchange(self, connection: _Connection, request: bytes, sent_ns: int) -> Response:
        try:
            received_ns = connection.exchange(request)
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

    def _connect(self) -> _Connection:
        host = self._address[0]
        try:
            family = socket.AF_INET if ipaddress.ip_address(host).version == 4 else socket.AF_INET6
        except ValueError:
            return _Connection(socket.create_connection(self._address, self._timeout_s), self._timeout_s)
        # Looking up what is an address already would cost a thread's turn, 0.2 ms.
        opened = socket.socket(family)
        try:
            opened.settimeout(self._timeout_s)
            opened.connect(self._address)
        except BaseException:
            opened.close()
            raise
        return _Connection(opened, self._timeout_s)


class _Connection:
    """A connection that has its timeout, and the answer read from it last. httptools calls what is named `on_`."""

    def __init__(self, connected: socket.socket, timeout_s: float) -> None:
        self._socket, self._timeout_s = connected, timeout_s
        self._parser: httptools.HttpResponseParser | None = httptools.HttpResponseParser(self)
        self._reset()

    def _reset(self) -> None:
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.body: list[bytes] = []
        self.answered = self.keeps = self._headed = self._complete = False

    def is_quiet(self) -> bool:
        """Whether nothing has come since the last answer; the end of the connection is something, too."""
        self._socket.settimeout(0.0)
        try:
            self._socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        except OSError:
            return False
        finally:
            self._socket.settimeout(self._timeout_s)
        return False

    def exchange(self, request: bytes) -> int:
        """Send, read the whole answer, and tell when the last of it was there, in ns. Raises `FAILURES`."""
        assert self._parser is not None
        self._reset()
        self._socket.sendall(request)
        while True:
            data = self._socket.recv(_READ_BYTES)
            received_ns = time.monotonic_ns()
            if not data:
                if self._lasts_until_closed():
                    return received_ns
                raise ConnectionError("the server closed the connection before the end of its answer")
            self.answered = True
            try:
                self._parser.feed_data(data)
            except httptools.HttpParserError:
                if not self._complete:
                    raise
                self.keeps = False  # the answer is whole; what follows it is not ours
            if self._complete:
                return received_ns

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
        """One header, as it came."""
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


def _decoded(headers: list[tuple[bytes, bytes]]) -> dict[str, str]:
    decoded: dict[str, str] = {}
    for raw_name, raw_value in headers:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        decoded[name] = f"{decoded[name]}, {value}" if name in decoded else value
    return decoded
