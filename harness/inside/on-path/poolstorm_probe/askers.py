"""Who asks for connections and has them: a request with all that it has started, or else a task or a thread.

Classes here have their defaults once, as one of them is made for each request.
"""

from __future__ import annotations

import sys
import weakref
from _thread import get_ident
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Optional


class Asker:
    """A task, or what runs in a thread; `parent` is the one of the same request that started it.

    Nothing here keeps a task alive: what an app lets go has to go at once.
    """

    task: Callable[[], Any] | None = None
    thread = 0
    parent: Asker | None = None
    out = 0
    """Connections that it took and that are not back."""

    def __init__(self, task: Any, parent: Asker | None = None) -> None:
        if task is None:
            self.thread = get_ident()
        else:
            self.task = weakref.ref(task)
        if parent is not None:
            self.parent = parent

    def is_at_work(self) -> bool:
        """Whether its task has not ended."""
        task = self.task() if self.task is not None else None
        return task is not None and not task.done()

    def was_cancelled(self) -> bool:
        """Whether its task was, or is being."""
        task = self.task() if self.task is not None else None
        if task is None:
            return False
        cancelling = getattr(task, "cancelling", None)  # since Python 3.11
        return bool(task.cancelled() or (cancelling is not None and cancelling()))


class Request(Asker):
    """One request of the app's; copies of its context, as threads have them, hold the same."""

    asked = False
    """For a connection."""
    begun = answered = False
    """Its response, and all of it."""
    gone = False
    """Its client, before that."""
    ended = False
    outs: Any = frozenset()
    """Checkouts of it, or of what it has started; a set of its own as soon as there are any."""


NOBODY = Asker(None)
current: ContextVar[Optional[Asker]] = ContextVar("poolstorm_probe_asker", default=None)


def running_loop() -> Any:
    """The event loop that runs in this thread, or None; asks for nothing that the app has not imported.

    Once it has, asyncio's own function stands here: call it by way of this module.
    """
    events = sys.modules.get("asyncio.events")
    if events is None:
        return None
    globals()["running_loop"] = events._get_running_loop
    return events._get_running_loop()


def task_of(loop: Any) -> Any:
    """The one that runs in a loop; by way of this module, too."""
    globals()["task_of"] = ask = sys.modules["asyncio"].current_task
    return ask(loop)


def who() -> Asker:
    """Whoever runs now."""
    known = current.get()
    loop = running_loop()
    if loop is None:
        if known is not None and (known.thread == get_ident() or request_of(known) is not None):
            return known
        known = Asker(None)
    else:
        task = task_of(loop)
        if known is not None and task is not None and known.task is not None and known.task() is task:
            return known
        started_by = known if request_of(known) is not None else None
        if task is None and started_by is not None:  # a callback of the loop's
            return started_by
        known = Asker(task, started_by)
    current.set(known)
    return known


def request_of(asker: Asker | None) -> Request | None:
    """The one under way that it belongs to."""
    if type(asker) is Request:
        return None if asker.ended else asker
    while asker is not None and asker.parent is not None:
        asker = asker.parent
    return asker if isinstance(asker, Request) and not asker.ended else None


def request_now() -> Request | None:
    """The request that whatever runs now belongs to."""
    return request_of(current.get())


def holds_one(asker: Asker, request: Request | None) -> bool:
    """Whether it has a connection, or what has started it, or a task of its request that has ended and left one.

    Under the lock of the counts.
    """
    if asker.out:
        return True
    if request is None or not request.outs:
        return False
    link: Asker | None = asker
    while link is not None:
        if link.out:
            return True
        link = link.parent
    return any(not out.asker.is_at_work() for out in request.outs)


def forget() -> None:
    """In a forked child: who asks there has nothing yet."""
    current.set(None)
