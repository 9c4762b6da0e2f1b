"""One round trip to PostgreSQL, without a session: what does a link let through right now?

PostgreSQL answers an SSLRequest with one byte before any authentication (protocol documentation, "SSL Session
Encryption"). Sent through the proxy on a connection of its own, it shows a fault's effect and its end without
a password, a pool or a driver in between.

One byte tells nothing of a link's bandwidth. For that the server is made to send back what it was sent: it names
each protocol option that it does not know in NegotiateProtocolVersion, before any authentication. And to see a
connection's end come through, it is sent a CancelRequest, after which it hangs up.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

_SSL_REQUEST = bytes.fromhex("0000000804d2162f")
_CANCEL_REQUEST = bytes.fromhex("0000001004d2162e") + bytes(8)  # of nobody's: no session has process 0
_PROTOCOL = bytes.fromhex("00030000")
_OPTION = b"_pq_.poolstorm_"
LEAST_ECHOED = 200
"""Bytes that `echo` can be asked for at least."""
MOST_ECHOED = 9000
"""Bytes that `echo` asks for at most: PostgreSQL takes no more than 10,000 from someone it does not know."""


class Reach(StrEnum):
    """How far a probe came."""

    ANSWERED = "answered"
    SILENT = "silent"  # connected, and no answer in time
    CLOSED = "closed"  # connected, and hung up on
    REFUSED = "refused"  # not connected


@dataclass(frozen=True, slots=True)
class Probe:
    """What one probe saw. `took_ms` runs from the request to the answer; the connecting is not in it."""

    reach: Reach
    took_ms: float

    def describe(self) -> str:
        """A few words, such as `answered in 10.4 ms`."""
        joint = "in" if self.reach is Reach.ANSWERED else "after"
        return f"{self.reach} {joint} {self.took_ms:.1f} ms"


def probe(host: str, port: int, patience_s: float) -> Probe:
    """Ask once. Never raises for what a network can do."""

    def answers(link: socket.socket) -> bool:
        link.sendall(_SSL_REQUEST)
        return bool(link.recv(1))

    return Probe(*_ask(host, port, patience_s, answers))


def _ask(host: str, port: int, patience_s: float, answers: Callable[[socket.socket], bool]) -> tuple[Reach, float]:
    """How far a question got, and how many ms it took: from when the link stood, or was tried where none did."""
    started_s = time.monotonic()
    try:
        with socket.create_connection((host, port), timeout=patience_s) as link:
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            started_s = time.monotonic()
            try:
                reach = Reach.ANSWERED if answers(link) else Reach.CLOSED
            except TimeoutError:
                reach = Reach.SILENT
            except OSError:
                reach = Reach.CLOSED
    except OSError:
        reach = Reach.REFUSED
    return reach, (time.monotonic() - started_s) * 1e3


@dataclass(frozen=True, slots=True)
class Echo:
    """What a probe of many bytes saw. `length` is how many were asked for; `took_ms` runs until all were there."""

    reach: Reach
    length: int
    took_ms: float

    def describe(self) -> str:
        """A few words, such as `900 bytes answered in 10.4 ms`."""
        joint = "in" if self.reach is Reach.ANSWERED else "after"
        return f"{self.length} bytes {self.reach} {joint} {self.took_ms:.1f} ms"


def echo(host: str, port: int, patience_s: float, length: int) -> Echo:
    """Have the server send `length` bytes, at most MOST_ECHOED. Never raises for what a network can do."""
    option = _OPTION.ljust(length, b"x")
    settings = option + b"\0\0" + b"\0"  # its value is empty; no user is named, so that nobody logs in
    hello = (len(settings) + 8).to_bytes(4, "big") + _PROTOCOL + settings

    def answers(link: socket.socket) -> bool:
        deadline_s = time.monotonic() + patience_s
        link.sendall(hello)
        seen = b""
        while option not in seen:
            left_s = deadline_s - time.monotonic()
            if left_s <= 0:
                raise TimeoutError
            link.settimeout(left_s)
            more = link.recv(65_536)
            if not more:
                return False
            seen += more
        return True

    reach, took_ms = _ask(host, port, patience_s, answers)
    return Echo(reach, length, took_ms)


def farewell(host: str, port: int, patience_s: float) -> Probe:
    """Have the server hang up, and see when that comes through. Never raises for what a network can do.

    It answers a CancelRequest by closing the connection, whatever is in it.
    """

    def answers(link: socket.socket) -> bool:
        link.sendall(_CANCEL_REQUEST)
        return bool(link.recv(1))

    return Probe(*_ask(host, port, patience_s, answers))
