"""Requests that Starlette serves, or FastAPI, whose application is one of its; and clients that uvicorn loses."""

from __future__ import annotations

from functools import wraps
from types import ModuleType
from typing import Any

from poolstorm_probe import askers
from poolstorm_probe.askers import Request, current, request_now
from poolstorm_probe.counts import COUNTS
from poolstorm_probe.hooks.asyncio_loops import last_watched, watch_running_loop
from poolstorm_probe.hooks.wrapping import wrap
from poolstorm_probe.serving import client_leaves, request_ends, response_begins, response_ends

_REQUEST = "_poolstorm_probe_request"


def listen(applications: ModuleType) -> None:
    """`starlette.applications` has been imported."""
    wrap(applications.Starlette, __call__=_serving)
    COUNTS.listening_to("starlette")


def listen_to_h11(module: ModuleType) -> None:
    """`uvicorn.protocols.http.h11_impl` has been imported."""
    wrap(module.H11Protocol, connection_lost=_losing)


def listen_to_httptools(module: ModuleType) -> None:
    """`uvicorn.protocols.http.httptools_impl` has been imported."""
    wrap(module.HttpToolsProtocol, connection_lost=_losing)


def _serving(call: Any) -> Any:
    @wraps(call)
    async def probed(self: Any, scope: Any, receive: Any, send: Any) -> None:
        loop = askers.running_loop()
        if loop is not None and loop is not last_watched():
            watch_running_loop()
        if scope.get("type") != "http" or request_now() is not None:  # an app within an app is the same request
            await call(self, scope, receive, send)
            return
        request = Request(askers.task_of(loop))
        _served_by(request, receive)
        token = current.set(request)
        try:
            await call(self, scope, _receiving(request, receive), _sending(request, send))
        finally:
            request_ends(request)
            current.reset(token)

    return probed


def _sending(request: Request, send: Any) -> Any:
    async def probed(message: Any) -> None:
        kind = message.get("type")
        if kind == "http.response.start":
            response_begins(request)
        await send(message)
        if (kind == "http.response.body" and not message.get("more_body")) or kind == "http.response.pathsend":
            response_ends(request)

    return probed


def _receiving(request: Request, receive: Any) -> Any:
    async def probed() -> Any:
        message = await receive()
        if message.get("type") == "http.disconnect":
            client_leaves(request)
        return message

    return probed


def _served_by(request: Request, receive: Any) -> None:
    """Uvicorn has an object for each request, whose method receives; others do not, and nothing is lost then."""
    cycle = getattr(receive, "__self__", None)
    if hasattr(cycle, "response_complete"):
        try:
            setattr(cycle, _REQUEST, request)
        except Exception:
            COUNTS.trouble()


def _losing(connection_lost: Any) -> Any:
    @wraps(connection_lost)
    def probed(self: Any, *words: Any, **options: Any) -> Any:
        request = getattr(getattr(self, "cycle", None), _REQUEST, None)
        if request is not None:
            client_leaves(request)
        return connection_lost(self, *words, **options)

    return probed
