"""One round trip to PostgreSQL, without a session: what does a link let through right now?

PostgreSQL answers an SSLRequest with one byte before any authentication (protocol documentation, "SSL Session
Encryption"). Sent through the proxy on a connection of its own, it shows a fault's effect and its end without
a password, a pool or a driver in between.

One byte tells nothing of a link's bandwidth. For that the server is made to send back what it was sent: it names
each protocol option that it does not know in NegotiateProtocolVersion, before any authentication.
"""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass
from enum import StrEnum

_SSL_REQUEST = bytes.fromhex("0000000804d2162f")
_PROTOCOL = bytes.fromhex("00030000")
_OPTION = b"_pq_.poolstorm_"
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
    started_s = time.monotonic()
    try:
        with socket.create_connection((host, port), timeout=patience_s) as link:
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            started_s = time.monotonic()
            try:
                link.sendall(_SSL_REQUEST)
                reach = Reach.ANSWERED if link.recv(1) else Reach.CLOSED
            except TimeoutError:
                reach = Reach.SILENT
            except OSError:
                reach = Reach.CLOSED
    except OSError:
        reach = Reach.REFUSED
    return Probe(reach, (time.monotonic() - started_s) * 1e3)


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
    started_s = time.monotonic()
    reach, seen = Reach.CLOSED, b""
    try:
        with socket.create_connection((host, port), timeout=patience_s) as link:
            started_s = time.monotonic()
            try:
                link.sendall(hello)
                while option not in seen:
                    left_s = patience_s - (time.monotonic() - started_s)
                    if left_s <= 0:
                        raise TimeoutError
                    link.settimeout(left_s)
                    more = link.recv(65_536)
                    if not more:
                        break
                    seen += more
                else:
                    reach = Reach.ANSWERED
            except TimeoutError:
                reach = Reach.SILENT
            except OSError:
                reach = Reach.CLOSED
    except OSError:
        reach = Reach.REFUSED
    return Echo(reach, length, (time.monotonic() - started_s) * 1e3)
