"""Where a request's time went, told in its response (W3C Server-Timing).

`ServerTimingMiddleware` gives each request an accumulator of its own, which `targets.instrument` fills.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from targets.contract import SERVER_TIMING_HEADER, TIMING_ACQUIRE, TIMING_CONNECT, TIMING_PING, TIMING_QUERY


@dataclass(slots=True)
class RequestTimings:
    """What one request spent so far, in nanoseconds. Mutable: it is filled in by threads and greenlets alike.

    The parts of one request run one after the other, so that it needs no lock.
    """

    acquire_ns: int = 0
    connect_ns: int = 0
    ping_ns: int = 0
    query_ns: int = 0
    checkouts: int = 0

    def header(self) -> str:
        """The Server-Timing header; durations in milliseconds."""
        return (
            f"{TIMING_ACQUIRE};dur={self.acquire_ns / 1e6:.3f}, "
            f"{TIMING_CONNECT};dur={self.connect_ns / 1e6:.3f}, "
            f"{TIMING_PING};dur={self.ping_ns / 1e6:.3f}, "
            f"{TIMING_QUERY};dur={self.query_ns / 1e6:.3f}"
        )


# Worker threads and SQLAlchemy's greenlets see the request's context, or a copy of it, and so the same object.
current_request: ContextVar[RequestTimings | None] = ContextVar("poolstorm_request", default=None)


class ServerTimingMiddleware:
    """Adds Server-Timing to every response of a request that asked the pool for a connection.

    Plain ASGI: a middleware derived from Starlette's base class would run the endpoint in a task of its own
    and cancel it when the client disconnects.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        timings = RequestTimings()

        async def send_with_timing(message: Message) -> None:
            if message["type"] == "http.response.start" and timings.checkouts:
                MutableHeaders(scope=message)[SERVER_TIMING_HEADER] = timings.header()
            await send(message)

        token = current_request.set(timings)
        try:
            await self._app(scope, receive, send_with_timing)
        finally:
            current_request.reset(token)
