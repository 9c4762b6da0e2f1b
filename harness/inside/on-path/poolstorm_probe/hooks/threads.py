"""AnyIO's limiter of threads: how many of its tokens are borrowed, and how many tasks wait for one."""

from __future__ import annotations

import weakref
from functools import wraps
from types import ModuleType
from typing import Any

from poolstorm_probe.counts import COUNTS

_asked_for: list[Any] = [None]  # the last one, by a weak reference


def listen(backend: ModuleType) -> None:
    """`anyio._backends._asyncio` has been imported."""
    owner = backend.AsyncIOBackend
    ask = owner.current_default_thread_limiter.__func__

    @wraps(ask)
    def probed(cls: Any) -> Any:
        limiter = ask(cls)
        if _asked_for[0] is None or _asked_for[0]() is not limiter:
            _asked_for[0] = weakref.ref(limiter)
        return limiter

    owner.current_default_thread_limiter = classmethod(probed)
    COUNTS.listening_to("anyio")


def look() -> None:
    """Tell how it stands; from the event loop, to which it belongs."""
    limiter = _asked_for[0]() if _asked_for[0] is not None else None
    if limiter is None:
        return
    tokens = limiter.total_tokens
    COUNTS.put("TOKENS", -1 if tokens == float("inf") else int(tokens))
    COUNTS.put("BORROWED", int(limiter.borrowed_tokens))
    COUNTS.put("THREADS_WAITING", int(limiter.statistics().tasks_waiting))
