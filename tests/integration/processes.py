"""Looking at processes that come and go while one looks."""

from __future__ import annotations

import psutil


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
