"""One round trip to PostgreSQL, without a session: what does a link let through right now?

PostgreSQL answers an SSLRequest with one byte before any authentication (protocol documentation, "SSL Session
Encryption"). Sent through the proxy on a connection of its own, it shows a fault's effect and its end without
a password, a pool or a driver in between.
"""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass
from enum import StrEnum

_SSL_REQUEST = bytes.fromhex("0000000804d2162f")


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
