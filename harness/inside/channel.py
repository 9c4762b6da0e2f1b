"""Reads what the probe in the processes of an app tells, from files; asks nothing of the processes."""

from __future__ import annotations

import importlib.util
import mmap
import os
import re
import stat
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from operator import add
from pathlib import Path
from threading import Lock
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
"""Of an app at once; further ones are read when others have ended."""
TIMES: tuple[str, ...] = tuple(layout.TIMES_AT)
_SUMS: tuple[tuple[str, int], ...] = tuple(layout.SUMS_AT.items())
_COUNTED = (
    *("OPENED", "CLOSED", "INVALIDATED", "TIMED_OUT"),
    *("REQUESTS", "CHECKOUTS", "STATEMENTS", "PINGS", "TROUBLES"),
    *("POOLS_MADE", "POOLS_MADE_IN_REQUEST", "NESTED_WAITS", "NESTED", "SHARED", "IN_LOOP", "IN_LOOP_NS"),
    *("COMMITS_FAILED", "COMMITS_LATE", "COMMITS_FAILED_LATE", "ABANDONED_EVER", "CANCELLED_OUT"),
    *("WORK_FOR_NOBODY", "INTROSPECTIONS", "RESETS", "IDLE_NS", "BUSY_NS"),
)
_NOW = (
    *("SIZE", "OPEN", "OUT", "OVERFLOW", "WAITING", "TOKENS", "BORROWED", "THREADS_WAITING"),
    *("POOLS", "STREAMING", "OUT_AFTER_RESPONSE", "ABANDONED"),
)
"""Of a process that has ended there is none."""
_SQLSTATE = re.compile("[0-9A-Z]{5}")


@dataclass(frozen=True, slots=True)
class Inside:
    """All processes of an app at one moment, summed. Times are of the monotonic clock, in nanoseconds.

    `limit` is None where some pool has none, or there is none. `lag_max_ns` is the longest lag of an event loop
    that ended since the moment that was asked for. `times` are counts by bin (`layout.bin_of`), and `sums_ns`
    the sum of each; `errors` are counted by SQLSTATE or word. All of it since the start.
    """

    processes: int
    libraries: frozenset[str]
    numbers: dict[str, int]
    limit: int | None
    oldest_since_ns: int | None
    oldest_place: str
    lag_max_ns: int | None
    times: dict[str, tuple[int, ...]] = field(repr=False, default_factory=dict)
    sums_ns: dict[str, int] = field(default_factory=dict)
    errors: dict[str, int] = field(default_factory=dict)

    def __getitem__(self, name: str) -> int:
        """One of the numbers, by its name in `layout.AT`."""
        return self.numbers[name]


class _Ended:
    """What all processes that have ended counted: an app may have any number of them, one after another."""

    def __init__(self) -> None:
        self.processes = 0
        self.out_max = 0
        self.libraries = 0
        self.sums = dict.fromkeys(_COUNTED, 0)
        self.times = {name: [0] * layout.BINS for name in TIMES}
        self.sums_ns = dict.fromkeys(TIMES, 0)
        self.errors: Counter[str] = Counter()

    def take_in(self, numbers: memoryview) -> None:
        """One more, which counts no further. What it left open the system has closed."""
        self.processes += 1
        self.out_max = max(self.out_max, numbers[layout.AT["OUT_MAX"]])
        self.libraries |= numbers[layout.AT["LISTENED_TO"]]
        for name in _COUNTED:
            self.sums[name] += numbers[layout.AT[name]]
        self.sums["CLOSED"] += max(0, numbers[layout.AT["OPEN"]])
        for name, bins in self.times.items():
            at = layout.TIMES_AT[name]
            bins[:] = map(add, bins, numbers[at : at + layout.BINS].tolist())
            self.sums_ns[name] += numbers[layout.SUMS_AT[name]]
        self.errors.update(_errors(numbers))


class Channel:
    """The files of one app. Open it anew for each trial; close it at the end. Safe from any thread.

    A file whose process has ended is removed once it was read: a second channel would not see it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._files: dict[str, memoryview] = {}  # of processes that live, as far as is known
        self._done: set[str] = set()  # files that are not read again
        self._ended = _Ended()
        self._out_max = 0
        self._lock = Lock()

    def is_told_into(self) -> bool:
        """Whether any process of the app has something to tell, or had."""
        with self._lock:
            self._look()
            return bool(self._files or self._ended.processes)

    def read(self, since_ns: int = 0, *, with_times: bool = False) -> Inside:
        """What the processes tell now; of lags that which ended since then."""
        with self._lock:
            living = self._living()
            sums = {name: self._ended.sums[name] + sum(n[layout.AT[name]] for n in living) for name in _COUNTED}
            now = {name: sum(max(0, n[layout.AT[name]]) for n in living) for name in _NOW}
            sums["OUT_MAX"] = self._most_out(living)
            since_ns_of_oldest, place = min(_oldest(living), default=(None, ""))
            return Inside(
                processes=len(living),
                libraries=_libraries(self._ended.libraries, living),
                numbers={**sums, **now},
                limit=_limit(living),
                oldest_since_ns=since_ns_of_oldest,
                oldest_place=place,
                lag_max_ns=max((lag for numbers in living for lag in _lags(numbers, since_ns)), default=None),
                times=self._times(living) if with_times else {},
                sums_ns={name: self._ended.sums_ns[name] + sum(n[at] for n in living) for name, at in _SUMS},
                errors=dict(sum(map(_errors, living), self._ended.errors.copy())),
            )

    def close(self) -> None:
        """Let go of the files."""
        with self._lock:
            self._files.clear()

    def _living(self) -> list[memoryview]:
        """Of the processes that have not ended; those that have make room for others."""
        while True:
            all_seen = self._look()
            ended = [name for name, numbers in self._files.items() if not _lives(numbers[layout.AT["PID"]])]
            for name in ended:
                self._ended.take_in(self._files.pop(name))
                self._done.add(name)
                with suppress(OSError):
                    (self.folder / name).unlink()
            if all_seen or not ended:
                return list(self._files.values())

    def _most_out(self, living: Sequence[memoryview]) -> int:
        """Of all that lived at one reading; those that came one after another are not added up."""
        together = sum(numbers[layout.AT["OUT_MAX"]] for numbers in living)
        self._out_max = max(self._out_max, self._ended.out_max, together)
        return self._out_max

    def _times(self, living: Sequence[memoryview]) -> dict[str, tuple[int, ...]]:
        columns = {
            name: [self._ended.times[name], *(numbers[at : at + layout.BINS].tolist() for numbers in living)]
            for name, at in layout.TIMES_AT.items()
        }
        return {name: tuple(map(sum, zip(*of_each, strict=True))) for name, of_each in columns.items()}

    def _look(self) -> bool:
        """For files that have come; whether there was room for all."""
        with suppress(OSError), os.scandir(self.folder) as entries:
            for entry in entries:
                known = entry.name in self._files or entry.name in self._done
                if known or not entry.name.endswith(layout.SUFFIX):
                    continue
                if len(self._files) >= MOST_PROCESSES:
                    return False
                self._open(entry.path, entry.name)
        return True

    def _open(self, path: str, name: str) -> None:
        """One without its first number is not ready yet; one of another kind or size is left aside."""
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            try:
                found = os.fstat(descriptor)
                if not stat.S_ISREG(found.st_mode) or found.st_size != layout.BYTES:
                    if found.st_size:
                        self._done.add(name)
                    return
                numbers = memoryview(mmap.mmap(descriptor, layout.BYTES, access=mmap.ACCESS_READ)).cast("q")
            finally:
                os.close(descriptor)
        except (OSError, ValueError):
            self._done.add(name)
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


def _libraries(bits: int, living: Sequence[memoryview]) -> frozenset[str]:
    for numbers in living:
        bits |= numbers[layout.AT["LISTENED_TO"]]
    return frozenset(name for number, name in enumerate(layout.LIBRARIES) if bits >> number & 1)


def _oldest(living: Sequence[memoryview]) -> Iterator[tuple[int, str]]:
    for numbers in living:
        if since_ns := numbers[layout.AT["OLDEST_SINCE_NS"]]:
            yield since_ns, _place(numbers)


def _errors(numbers: memoryview) -> Counter[str]:
    """By kind; a code that is none was not written by the probe, and counts as another error."""
    at = layout.ERROR_WORDS_AT
    found = Counter(dict(zip(layout.ERROR_WORDS, numbers[at : at + len(layout.ERROR_WORDS)], strict=True)))
    for at in range(layout.ERROR_CODES_AT, layout.ERROR_CODES_AT + 2 * layout.ERROR_CODES, 2):
        if numbers[at]:
            code = layout.unpacked(numbers[at])
            found[code if _SQLSTATE.fullmatch(code) else "other"] += numbers[at + 1]
    return +found


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
