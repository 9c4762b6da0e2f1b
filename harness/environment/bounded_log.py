"""A log that is somebody else's to write: it is cut while it grows, and its end is kept."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

MOST_BYTES = 16 * 1024 * 1024
KEPT_BYTES = 1024 * 1024
"""Of its end, when it is cut: there stands why a program ended."""
LOOK_EVERY_S = 0.2


@contextmanager
def bounded_log(path: Path) -> Iterator[None]:
    """During the block the log is cut whenever it has grown beyond `MOST_BYTES`.

    Whoever writes must append (as children of the leash do): then what comes after a cut follows what was kept.
    What is written in the moment of a cut may be lost with what was cut.
    """
    with bounded(lambda: cut(path)):
        yield


@contextmanager
def bounded(cut_it: Callable[[], object]) -> Iterator[None]:
    """During the block, and at its end, the log is looked at by `cut_it`, which may raise OSError."""
    stopping = threading.Event()

    def look_on() -> None:
        while not stopping.wait(LOOK_EVERY_S):
            with suppress(OSError):
                cut_it()

    looker = threading.Thread(target=look_on, name="log-bound", daemon=True)
    looker.start()
    try:
        yield
    finally:
        stopping.set()
        looker.join()
        with suppress(OSError):
            cut_it()


def cut(path: Path, most_bytes: int = MOST_BYTES, kept_bytes: int = KEPT_BYTES) -> int:
    """Keep the end of a log that is longer than `most_bytes`, after a line that says so. Raises OSError.

    Returns where in it what was kept had begun; 0 where nothing was cut out.
    """
    size = path.stat().st_size
    if size <= most_bytes:
        return 0
    with path.open("r+b") as file:
        file.seek(-kept_bytes, 2)
        began_at = file.tell()
        kept = file.read(kept_bytes)
        notice = f"[{size - len(kept):,} bytes were cut out here: the log had more than {most_bytes:,}]\n".encode()
        file.seek(0)
        file.write(notice)
        file.write(kept)
        file.truncate()
    return began_at
