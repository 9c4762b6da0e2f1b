"""What this process's pools have done so far, kept where a reader finds it. What is out: `poolstorm_probe.outs`.

Everything here may be called from any thread and from within itself (a connection may be collected while another
is counted), and raises nothing.
"""

from __future__ import annotations

import mmap
import os
import time
import weakref
from _thread import RLock  # not the one of `threading`, which some apps exchange for another
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from poolstorm_probe.layout import (
    AT,
    BYTES,
    ERROR_CODES,
    ERROR_CODES_AT,
    ERROR_WORDS,
    ERROR_WORDS_AT,
    LAG_AT,
    LAG_SLOT_NS,
    LAG_SLOTS,
    LIBRARIES,
    MAGIC,
    SUFFIX,
    SUMS_AT,
    TIMES_AT,
    bin_of,
    packed,
)

now_ns = time.monotonic_ns
_SIZE, _LIMIT, _OPEN, _OVERFLOW, _POOLS = (AT[name] for name in ("SIZE", "LIMIT", "OPEN", "OVERFLOW", "POOLS"))
_OPENED, _CLOSED, _TROUBLES = AT["OPENED"], AT["CLOSED"], AT["TROUBLES"]


class Pool:
    """One pool of the app's; `size` connections are kept, `limit` is the most, None for as many as are wanted."""

    def __init__(self, size: int, limit: int | None) -> None:
        self.size, self.limit = size, limit
        self.open = 0
        self.retired = False
        self.of_a_parent = False  # a process that has forked


class Counts:
    """All pools of this process together. What changes `numbers` by what they are holds the `lock`."""

    def __init__(self) -> None:
        self.lock = RLock()
        self.numbers: Any = memoryview(bytearray(BYTES)).cast("q")
        self.in_child: list[Callable[[], None]] = []
        """Called in a forked process, before it counts anything."""
        self._folder = ""
        self._file_open = False
        self._pools: dict[int, Pool] = {}

    # --- where it is told ------------------------------------------------------------------------------------

    def tell_in(self, folder: str) -> None:
        """Have a file there as soon as there is something to listen to, and one for each forked process."""
        self._folder = folder
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._begin_anew)

    def listening_to(self, library: str) -> None:
        """One more library is listened to."""
        try:
            with self.lock:
                if self._folder and not self._file_open:
                    self._open_file()
                self.numbers[AT["LISTENED_TO"]] |= 1 << LIBRARIES.index(library)
        except Exception:
            self.trouble()

    def trouble(self) -> None:
        """Something could not be listened to, or counted."""
        with suppress(Exception):
            self.numbers[_TROUBLES] += 1

    def _open_file(self) -> None:
        """The numbers so far move into it."""
        self._file_open = True  # tried once
        path = f"{self._folder}{os.sep}{os.getpid()}-{now_ns()}{SUFFIX}"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            if os.write(descriptor, bytes(BYTES)) != BYTES:  # a hole on a full disk ends whoever writes to it
                raise OSError("no room")
            numbers = memoryview(mmap.mmap(descriptor, BYTES)).cast("q")
        finally:
            os.close(descriptor)
        numbers[:] = self.numbers
        self.numbers = numbers
        numbers[AT["PID"]], numbers[AT["STARTED_NS"]] = os.getpid(), now_ns()
        numbers[AT["MAGIC_AT"]] = MAGIC  # last: a reader takes a file without it for one not yet ready

    def _begin_anew(self) -> None:
        """In a forked child: its counts are its own, and the lock may be held by a thread that is not there."""
        try:
            listened = self.numbers[AT["LISTENED_TO"]]
            self.lock = RLock()
            self.numbers = memoryview(bytearray(BYTES)).cast("q")
            for begin in self.in_child:
                begin()
            for pool in self._pools.values():
                pool.open, pool.of_a_parent = 0, True
            self._pools.clear()  # those that it uses come again
            self.numbers[AT["LISTENED_TO"]] = listened
            self._sum_up()
            if self._file_open:
                self._open_file()
        except Exception:
            self.trouble()

    def snapshot(self) -> list[int]:
        """All numbers as they stand, in the order of the layout."""
        with self.lock:
            return self.numbers.tolist()  # type: ignore[no-any-return]

    # --- pools -----------------------------------------------------------------------------------------------

    def pool(self, owner: Any, size: int, limit: int | None, lives_with: Any = None) -> Pool:
        """What counts for the pool `owner`, for as long as that lives; the same each time.

        One that cannot be referred to weakly names a part of its own that can, and that nobody else keeps.
        """
        key = id(owner)
        found = self._pools.get(key)
        if found is None:
            with self.lock:
                found = self._pools.setdefault(key, Pool(size, limit))
                self._sum_up()
            with suppress(TypeError):
                weakref.finalize(lives_with or owner, self._forget, key, found).atexit = False
        elif (found.size, found.limit) != (size, limit) and not found.retired:  # it was resized
            with self.lock:
                found.size, found.limit = size, limit
                self._sum_up()
        return found

    def knows(self, owner: Any) -> bool:
        """Whether there is something that counts for it."""
        return id(owner) in self._pools

    def retire(self, pool: Pool) -> None:
        """Its app has closed it: it keeps nothing from now on. What is still open counts until it is closed."""
        try:
            with self.lock:
                pool.retired, pool.size, pool.limit = True, 0, 0
                self._sum_up()
        except Exception:
            self.trouble()

    def _forget(self, key: int, gone: Pool) -> None:
        """A pool has been collected; another may lie at its address by now."""
        try:
            with self.lock:
                if self._pools.get(key) is gone:
                    del self._pools[key]
                self.numbers[_OPEN] -= gone.open
                self.numbers[_CLOSED] += gone.open
                gone.open = 0  # whatever is heard of them later
                self._sum_up()
        except Exception:
            self.trouble()

    def _sum_up(self) -> None:
        pools = [pool for pool in self._pools.values() if not pool.retired]
        limits = [pool.limit for pool in pools]
        self.numbers[_SIZE] = sum(pool.size for pool in pools)
        self.numbers[_LIMIT] = -1 if not limits or None in limits else sum(limits)  # type: ignore[arg-type]
        self.numbers[_OVERFLOW] = sum(max(0, pool.open - pool.size) for pool in pools if pool.size)
        self.numbers[_POOLS] = len(pools)

    def opened(self, pool: Pool, number: int = 1) -> None:
        """A connection was opened, or with -1 closed; those that a fork inherits are not its own."""
        try:
            with self.lock:
                if number < 0 and pool.open <= 0:
                    return
                before = max(0, pool.open - pool.size)
                pool.open += number
                self.numbers[_OPENED if number > 0 else _CLOSED] += 1
                self.numbers[_OPEN] += number
                if pool.size:
                    self.numbers[_OVERFLOW] += max(0, pool.open - pool.size) - before
        except Exception:
            self.trouble()

    # --- the rest --------------------------------------------------------------------------------------------

    def add(self, name: str, number: int = 1) -> None:
        """Count one more of a kind (`layout.AT`)."""
        try:
            with self.lock:
                self.numbers[AT[name]] += number
        except Exception:
            self.trouble()

    def put(self, name: str, value: int) -> None:
        """What a gauge stands at."""
        try:
            self.numbers[AT[name]] = value
        except Exception:
            self.trouble()

    def took(self, name: str, began_ns: int) -> None:
        """One of `layout.TIMES_AT` has ended."""
        try:
            with self.lock:
                self.lasted(name, now_ns() - began_ns)
        except Exception:
            self.trouble()

    def lasted(self, name: str, duration_ns: int) -> None:
        """The same of a known duration; may raise, and has the lock already."""
        numbers = self.numbers
        numbers[TIMES_AT[name] + bin_of(duration_ns)] += 1
        numbers[SUMS_AT[name]] += duration_ns

    def failed(self, kind: str) -> None:
        """One more error of a kind (`errors.kind_of`); may raise."""
        with self.lock:
            if kind not in ERROR_WORDS:
                code = packed(kind)
                for at in range(ERROR_CODES_AT, ERROR_CODES_AT + 2 * ERROR_CODES, 2):
                    if self.numbers[at] in (0, code):
                        self.numbers[at + 1] += 1
                        self.numbers[at] = code
                        return
                kind = "other"
            self.numbers[ERROR_WORDS_AT + ERROR_WORDS.index(kind)] += 1

    def pinged(self, began_ns: int) -> None:
        """A connection was tried out."""
        self.took("ping", began_ns)
        self.add("PINGS")

    def lagged(self, lag_ns: int) -> None:
        """An event loop came so much too late to a moment that had been set."""
        try:
            stretch = now_ns() // LAG_SLOT_NS
            at = LAG_AT + 2 * (stretch % LAG_SLOTS)
            with self.lock:
                if self.numbers[at] != stretch:
                    self.numbers[at + 1] = lag_ns
                    self.numbers[at] = stretch
                elif lag_ns > self.numbers[at + 1]:
                    self.numbers[at + 1] = lag_ns
        except Exception:
            self.trouble()


COUNTS = Counts()
