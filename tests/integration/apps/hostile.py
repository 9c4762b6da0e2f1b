"""A target that answers rightly until it is trusted, and then does its worst: HOSTILE_WAY says how.

It turns a while after it was first asked for its settings, which the conformance suite does: in the midst of a
load.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from targets.sync_pool import app as right_app

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
Receive = Callable[[], Awaitable[Message]]

WAY = os.environ.get("HOSTILE_WAY", "")
TURNS_AFTER_S = 2.0
MEGABYTE = b"x" * 1_000_000


async def _start(send: Send, *headers: tuple[bytes, bytes], status: int = 200) -> None:
    json = (b"content-type", b"application/json")
    await send({"type": "http.response.start", "status": status, "headers": [json, *headers]})


async def _body(send: Send, piece: bytes, more: bool = True) -> None:
    await send({"type": "http.response.body", "body": piece, "more_body": more})


async def drips(send: Send) -> None:
    """A byte now and then, without end."""
    await _start(send)
    while True:
        await _body(send, b" ")
        await asyncio.sleep(0.05)


async def floods(send: Send) -> None:
    """Megabytes, without end."""
    await _start(send)
    while True:
        await _body(send, MEGABYTE)
        await asyncio.sleep(0)


async def is_huge(send: Send) -> None:
    """36 MB of JSON."""
    await _start(send)
    await _body(send, b'{"pool": "')
    for _ in range(36):
        await _body(send, MEGABYTE)
    await _body(send, b'"}', more=False)


async def is_deep(send: Send) -> None:
    """A server error that nobody can parse."""
    await _start(send, status=500)
    await _body(send, b"[" * 900_000, more=False)


async def is_a_list(send: Send) -> None:
    """JSON, and no object."""
    await _start(send)
    await _body(send, b"[1, 2]", more=False)


async def is_silent(send: Send) -> None:
    """Nothing."""
    await asyncio.sleep(3600)


WAYS = {way.__name__.replace("_", "-"): way for way in (drips, floods, is_huge, is_deep, is_a_list, is_silent)}


class Hostile:
    """ASGI: the right app, until it turns."""

    def __init__(self) -> None:
        self._trusted_since_s: float | None = None

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            if scope["path"] == "/settings" and self._trusted_since_s is None:
                self._trusted_since_s = time.monotonic()
            if self._trusted_since_s and time.monotonic() > self._trusted_since_s + TURNS_AFTER_S:
                await WAYS[WAY](send)
                return
        await right_app(scope, receive, send)


app = Hostile()
