"""Looking at processes that come and go while one looks."""

from __future__ import annotations

import time
from collections.abc import Callable

import psutil

SOON_S = 20.0


def descendants(process: psutil.Process) -> list[tuple[psutil.Process, str]]:
    """Each living child, and child of a child, with its command line.

    PostgreSQL ends backends whenever it likes: one that has gone, or is a zombie by now, has no command line to
    show and is left out.
    """
    found = []
    for child in process.children(recursive=True):
        try:
            found.append((child, " ".join(child.cmdline())))
        except psutil.Error:
            continue
    return found


def soon(condition: Callable[[], bool]) -> bool:
    """Whether it comes true within a generous time: what a signal does to another process takes a while."""
    deadline_s = time.monotonic() + SOON_S
    while not condition():
        if time.monotonic() > deadline_s:
            return False
        time.sleep(0.01)
    return True
