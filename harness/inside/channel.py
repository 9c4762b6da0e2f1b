"""Reads what the probe in the processes of an app tells, from files; asks nothing of the processes."""

from __future__ import annotations

import importlib.util
import mmap
import os
import stat
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from harness.inside.launch import PATH

if TYPE_CHECKING:
    from poolstorm_probe import layout
else:
    _SPEC = importlib.util.spec_from_file_location("harness.inside.layout", PATH / "poolstorm_probe" / "layout.py")
    layout = importlib.util.module_from_spec(_SPEC)
    _SPEC.loader.exec_module(layout)

MOST_PROCESSES = 256
"""Of an app; further ones are not read."""
TIMES: tuple[str, ...] = tuple(layout.TIMES_AT)
_SUMS = (
    *("OPENED", "CLOSED", "INVALIDATED", "TIMED_OUT", "REQUESTS", "CHECKOUTS", "STATEMENTS", "PINGS", "TROUBLES"),
    "OUT_MAX",
)
_NOW = ("SIZE", "OPEN", "OUT", "OVERFLOW", "WAITING", "TOKENS", "BORROWED", "THREADS_WAITING")
"""Of a process that has ended there is none."""


@dataclass(frozen=True, slots=True)
class Inside:
    """All processes of an app at one moment, summed. Times are of the monotonic clock, in nanoseconds.

    `limit` is None where some pool has none, or there is none. `lag_max_ns` is the longest lag of an event loop
    that ended since the moment that was asked for. `times` are counts by bin (`layout.bin_of`), since the start.
    """

    processes: int
    libraries: frozenset[str]
    numbers: dict[str, int]
    limit: int | None
    oldest_since_ns: int | None
    oldest_place: str
    lag_max_ns: int | None
    times: dict[str, tuple[int, ...]] = field(repr=False, default_factory=dict)

    def __getitem__(self, name: str) -> int:
        """One of the numbers, by its name in `layout.AT`."""
        return self.numbers[name]


class Channel:
    """The files of one app. Open it anew for each trial; close it at the end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._files: dict[str, memoryview] = {}
        self._failed: set[str] = set()

    def is_told_into(self) -> bool:
        """Whether any process of the app has something to tell."""
        self._look()
        return bool(self._files)

    def read(self, since_ns: int = 0, *, with_times: bool = False) -> Inside:
        """What the processes tell now; of lags that which ended since then."""
        self._look()
        files = list(self._files.values())
        living = [numbers for numbers in files if _lives(numbers[layout.AT["PID"]])]
        sums = {name: sum(numbers[layout.AT[name]] for numbers in files) for name in _SUMS}
        now = {name: sum(max(0, numbers[layout.AT[name]]) for numbers in living) for name in _NOW}
        ended_open = sum(n[layout.AT["OPEN"]] for n in files) - sum(n[layout.AT["OPEN"]] for n in living)
        sums["CLOSED"] += max(0, ended_open)  # the system closed what a process left open
        oldest = min(_oldest(living), default=(None, ""))
        return Inside(
            processes=len(living),
            libraries=_libraries(files),
            numbers={**sums, **now},
            limit=_limit(living),
            oldest_since_ns=oldest[0],
            oldest_place=oldest[1],
            lag_max_ns=max((lag for numbers in living for lag in _lags(numbers, since_ns)), default=None),
            times={name: _times(files, at) for name, at in layout.TIMES_AT.items()} if with_times else {},
        )

    def close(self) -> None:
        """Let go of the files."""
        self._files.clear()

    def _look(self) -> None:
        """For files that have come."""
        with suppress(OSError), os.scandir(self.folder) as entries:
            for entry in entries:
                known = entry.name in self._files or entry.name in self._failed
                if known or not entry.name.endswith(layout.SUFFIX):
                    continue
                if len(self._files) >= MOST_PROCESSES:
                    return
                self._open(entry.path, entry.name)

    def _open(self, path: str, name: str) -> None:
        """One without its first number is not ready yet; one of another kind or size is left aside."""
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            try:
                found = os.fstat(descriptor)
                if not stat.S_ISREG(found.st_mode) or found.st_size != layout.BYTES:
                    if found.st_size:
                        self._failed.add(name)
                    return
                numbers = memoryview(mmap.mmap(descriptor, layout.BYTES, access=mmap.ACCESS_READ)).cast("q")
            finally:
                os.close(descriptor)
        except (OSError, ValueError):
            self._failed.add(name)
            return
        if numbers[layout.AT["MAGIC_AT"]] == layout.MAGIC:
            self._files[name] = numbers


def _lives(pid: int) -> bool:
    """One that has ended and that nobody has asked about yet does not."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except (psutil.NoSuchProcess, ValueError, OverflowError):
        return False
    except psutil.Error:
        return True


def _limit(living: Sequence[memoryview]) -> int | None:
    limits = [numbers[layout.AT["LIMIT"]] for numbers in living if numbers[layout.AT["SIZE"]]]
    return None if not limits or min(limits) < 0 else sum(limits)


def _libraries(files: Sequence[memoryview]) -> frozenset[str]:
    bits = 0
    for numbers in files:
        bits |= numbers[layout.AT["LISTENED_TO"]]
    return frozenset(name for number, name in enumerate(layout.LIBRARIES) if bits >> number & 1)


def _oldest(living: Sequence[memoryview]) -> Iterator[tuple[int, str]]:
    for numbers in living:
        if since_ns := numbers[layout.AT["OLDEST_SINCE_NS"]]:
            yield since_ns, _place(numbers)


def _place(numbers: memoryview) -> str:
    """Empty while it is being written."""
    for _ in range(3):
        turn = numbers[layout.AT["PLACE_TURN"]]
        text = numbers[layout.PLACE_AT : layout.PLACE_AT + layout.PLACE_BYTES // 8].tobytes()
        if turn % 2 == 0 and turn == numbers[layout.AT["PLACE_TURN"]]:
            return text.rstrip(b"\0").decode("utf-8", "replace")
    return ""


def _lags(numbers: memoryview, since_ns: int) -> Iterator[int]:
    """Those of stretches that lie wholly or in part after the moment, and are no older than the ring is long."""
    first = max(since_ns, time.monotonic_ns() - layout.LAG_SLOTS * layout.LAG_SLOT_NS) // layout.LAG_SLOT_NS
    for at in range(layout.LAG_AT, layout.LAG_AT + 2 * layout.LAG_SLOTS, 2):
        if numbers[at] >= first:
            yield numbers[at + 1]


def _times(files: Sequence[memoryview], at: int) -> tuple[int, ...]:
    columns = [numbers[at : at + layout.BINS].tolist() for numbers in files]
    return tuple(map(sum, zip(*columns, strict=True))) if columns else (0,) * layout.BINS


def quantiles_ms(counts: Sequence[int], shares: Sequence[float]) -> tuple[float | None, ...]:
    """Of binned durations, to 6 %: the middle of the bin in which each share is reached; None of none at all."""
    total = sum(counts)
    found: list[float | None] = []
    for share in shares:
        left = max(1, round(share * total))
        value = None
        for number, count in enumerate(counts):
            left -= count
            if total and left <= 0:
                value = sum(layout.bounds_ns(number)) / 2e6
                break
        found.append(value)
    return tuple(found)
