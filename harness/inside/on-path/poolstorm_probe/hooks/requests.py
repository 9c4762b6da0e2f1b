"""Which request a checkout belongs to: only the first of each is counted as a request that needed a connection."""

from __future__ import annotations

from contextvars import ContextVar

from poolstorm_probe.counts import COUNTS


class Request:
    """One request of the app's; copies of its context, as threads have them, hold the same."""

    __slots__ = ("asked",)

    def __init__(self) -> None:
        self.asked = False


current: ContextVar[Request | None] = ContextVar("poolstorm_probe_request", default=None)


def asked_for_connection() -> None:
    """Whatever runs now needs a connection."""
    request = current.get()
    if request is not None and not request.asked:
        request.asked = True
        COUNTS.add("REQUESTS")
