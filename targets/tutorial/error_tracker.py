"""An error tracker: keeps the last exceptions that no handler took, with their tracebacks, to be looked at."""

from __future__ import annotations

from collections import deque

from starlette.types import ASGIApp, Receive, Scope, Send

MOST_KEPT = 1000


class ErrorTracker:
    """Plain ASGI middleware. A traceback holds the frames it runs through, and they hold their variables: the
    session of each request that failed is kept with its exception.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.kept: deque[BaseException] = deque(maxlen=MOST_KEPT)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        try:
            await self._app(scope, receive, send)
        except Exception as error:
            self.kept.append(error)
            raise
