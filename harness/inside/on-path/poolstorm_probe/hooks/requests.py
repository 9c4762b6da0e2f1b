"""Requests that Starlette serves, or FastAPI, whose application is one of its; and clients that uvicorn loses."""

from __future__ import annotations

from functools import wraps
from types import ModuleType
from typing import Any

from poolstorm_probe import askers
from poolstorm_probe.askers import Request, current, request_now
from poolstorm_probe.counts import COUNTS
from poolstorm_probe.hooks.asyncio_loops import watch_running_loop
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
        watch_running_loop()
        if scope.get("type") != "http" or request_now() is not None:  # an app within an app is the same request
            await call(self, scope, receive, send)
            return
        request, receives, sends = _begun(receive, send)
        token = current.set(request)
        try:
            await call(self, scope, receives, sends)
        finally:
            if request.outs or not request.answered:
                request_ends(request)
            else:
                request.ended = True
            current.reset(token)

    return probed


def _begun(receive: Any, send: Any) -> tuple[Request, Any, Any]:
    """A request, and what it receives and sends by."""
    loop = askers.running_loop()
    request = Request(None if loop is None else askers.task_of(loop))

    async def receives() -> Any:
        message = await receive()
        if message.get("type") == "http.disconnect":
            client_leaves(request)
        return message

    async def sends(message: Any) -> None:
        kind = message.get("type")
        if kind == "http.response.start":
            response_begins(request)
        await send(message)
        if (kind == "http.response.body" and not message.get("more_body")) or kind == "http.response.pathsend":
            response_ends(request)

    cycle = getattr(receive, "__self__", None)
    if hasattr(cycle, "response_complete"):  # uvicorn's object for this request, whose method receives
        try:
            setattr(cycle, _REQUEST, request)
        except Exception:
            COUNTS.trouble()
    return request, receives, sends


def _losing(connection_lost: Any) -> Any:
    @wraps(connection_lost)
    def probed(self: Any, *words: Any, **options: Any) -> Any:
        request = getattr(getattr(self, "cycle", None), _REQUEST, None)
        if request is not None:
            client_leaves(request)
        return connection_lost(self, *words, **options)

    return probed
