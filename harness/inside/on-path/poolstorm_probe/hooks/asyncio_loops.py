"""Event loops: how late they come to what is due."""

from __future__ import annotations

import weakref
from functools import wraps
from types import ModuleType
from typing import TYPE_CHECKING, Any

from poolstorm_probe import askers
from poolstorm_probe.counts import COUNTS, now_ns
from poolstorm_probe.hooks import threads
from poolstorm_probe.outs import OUTS

if TYPE_CHECKING:
    import asyncio

EVERY_S = 0.05
_ticking: weakref.WeakSet[Any] = weakref.WeakSet()  # loops; not by address, which another may have later
_last: list[Any] = [lambda: None]  # a weak reference to one of them


def watch_running_loop() -> None:
    """Have the loop that runs here tell its lag from now on; again and again is as good as once."""
    loop = askers.running_loop()
    if loop is None or loop is _last[0]():
        return
    try:
        if loop in _ticking:
            return
        if not _ticking:
            COUNTS.listening_to("loop")
        _ticking.add(loop)
        _last[0] = weakref.ref(loop)
        _set(loop)
    except Exception:
        COUNTS.trouble()


def _set(loop: asyncio.AbstractEventLoop) -> None:
    due_ns = now_ns() + round(EVERY_S * 1e9)
    loop.call_later(EVERY_S, _tick, loop, due_ns)


def _tick(loop: asyncio.AbstractEventLoop, due_ns: int) -> None:
    try:
        COUNTS.lagged(max(0, now_ns() - due_ns))
        OUTS.look()
        threads.look()
        _set(loop)
    except Exception:
        COUNTS.trouble()


def listen_to_uvicorn(server: ModuleType) -> None:
    """`uvicorn.server` has been imported: it serves apps of any framework."""
    startup = server.Server.startup

    @wraps(startup)
    async def probed(self: Any, *words: Any, **options: Any) -> Any:
        watch_running_loop()
        return await startup(self, *words, **options)

    server.Server.startup = probed
