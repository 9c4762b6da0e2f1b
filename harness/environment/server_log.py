"""The log of a server of ours: what a line says, reading on from where one was, and a bound to its size."""

from __future__ import annotations

import re
import threading
from pathlib import Path
from typing import NamedTuple

from harness.environment import bounded_log

LINE_PREFIX = "%n %p %e %d %a "
"""Seconds since 1970, process, SQLSTATE, database and application. The latter two come from the client; a database
of ours has no blank in its name, and what follows a line break in a message begins with a tab."""
_LINE = re.compile(rb"[0-9.]+ ([0-9]+) ([0-9A-Z]{5}) (\S*) (.*?) ?(LOG|WARNING|ERROR|FATAL|PANIC):  ")


class Logged(NamedTuple):
    """A line of the log, without its words."""

    pid: int
    sqlstate: str
    database: str  # empty of a process without one
    application: str  # [unknown] until the session has begun, and of one that does not say
    level: str


def logged(line: bytes) -> Logged | None:
    """What a line says; None of one that begins nothing."""
    found = _LINE.match(line)
    if found is None:
        return None
    pid, *words = (group.decode(errors="replace") for group in found.groups())
    return Logged(int(pid), *words)


class Grown(NamedTuple):
    """What has come since a place in the log: whole lines, and the place after them."""

    lines: list[bytes]
    place: int
    lost_bytes: int  # that were cut out before they were read


class ServerLog:
    """A place in it is a number of bytes since its beginning, whatever was cut out. For any thread."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._kept_from = 0  # the first place that is still there
        self._nearer = 0  # by which all that is there stands nearer to the file's beginning
        self._lock = threading.Lock()

    def end(self) -> int:
        """Where it ends now. Raises OSError."""
        with self._lock:
            return self.path.stat().st_size + self._nearer

    def since(self, place: int) -> Grown:
        """What has come since then. Raises OSError."""
        with self._lock, self.path.open("rb") as file:
            there = max(place, self._kept_from)
            file.seek(there - self._nearer)
            text = file.read()
        whole = text[: text.rfind(b"\n") + 1]
        return Grown(whole.split(b"\n")[:-1], there + len(whole), there - place)

    def cut(self) -> None:
        """Keep its end only, if it has grown too long. Raises OSError."""
        with self._lock:
            if began_at := bounded_log.cut(self.path):
                self._kept_from = began_at + self._nearer
                with self.path.open("rb") as file:
                    self._nearer = self._kept_from - len(file.readline())
