"""What this process's pools have done so far, kept where a reader finds it.

Everything here may be called from any thread and from within itself (a connection may be collected while another
is counted), and raises nothing.
"""

from __future__ import annotations

import mmap
import os
import time
import weakref
from _thread import RLock  # not the one of `threading`, which some apps exchange for another
from collections import OrderedDict
from contextlib import suppress
from typing import Any

from poolstorm_probe.layout import (
    AT,
    BYTES,
    LAG_AT,
    LAG_SLOT_NS,
    LAG_SLOTS,
    LIBRARIES,
    MAGIC,
    PLACE_AT,
    PLACE_BYTES,
    SUFFIX,
    TIMES_AT,
    bin_of,
)
from poolstorm_probe.whereabouts import Place, as_text, place_of_app

now_ns = time.monotonic_ns
OLD_NS = 100_000_000
"""A connection that has been out so long has its place told."""

_SIZE, _LIMIT, _OPEN, _OUT, _OVERFLOW = (AT[name] for name in ("SIZE", "LIMIT", "OPEN", "OUT", "OVERFLOW"))
_WAITING, _OUT_MAX, _CHECKOUTS, _TIMED_OUT = (
    AT[name] for name in ("WAITING", "OUT_MAX", "CHECKOUTS", "TIMED_OUT")
)
_OPENED, _CLOSED, _TROUBLES = AT["OPENED"], AT["CLOSED"], AT["TROUBLES"]
_OLDEST, _TURN = AT["OLDEST_SINCE_NS"], AT["PLACE_TURN"]


class Pool:
    """One pool of the app's; `size` connections are kept, `limit` is the most, None for as many as are wanted."""

    def __init__(self, size: int, limit: int | None) -> None:
        self.size, self.limit = size, limit
        self.open = 0
        self.retired = False


class Counts:
    """All pools of this process together."""

    def __init__(self) -> None:
        self._lock = RLock()
        self._folder = ""
        self._file_open = False
        self._numbers: Any = memoryview(bytearray(BYTES)).cast("q")
        self._out: OrderedDict[int, tuple[int, Place | None]] = OrderedDict()
        self._pools: dict[int, Pool] = {}
        self._told_since_ns = 0  # of the connection whose place is written down

    # --- where it is told ------------------------------------------------------------------------------------

    def tell_in(self, folder: str) -> None:
        """Have a file there as soon as there is something to listen to, and one for each forked process."""
        self._folder = folder
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._begin_anew)

    def listening_to(self, library: str) -> None:
        """One more library is listened to."""
        try:
            with self._lock:
                if self._folder and not self._file_open:
                    self._open_file()
                self._numbers[AT["LISTENED_TO"]] |= 1 << LIBRARIES.index(library)
        except Exception:
            self.trouble()

    def trouble(self) -> None:
        """Something could not be listened to, or counted."""
        with suppress(Exception):
            self._numbers[_TROUBLES] += 1

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
        numbers[:] = self._numbers
        self._numbers = numbers
        numbers[AT["PID"]], numbers[AT["STARTED_NS"]] = os.getpid(), now_ns()
        numbers[AT["MAGIC_AT"]] = MAGIC  # last: a reader takes a file without it for one not yet ready

    def _begin_anew(self) -> None:
        """In a forked child: its counts are its own, and the lock may be held by a thread that is not there."""
        try:
            listened = self._numbers[AT["LISTENED_TO"]]
            self._lock = RLock()
            self._numbers = memoryview(bytearray(BYTES)).cast("q")
            self._out.clear()
            for pool in self._pools.values():
                pool.open = 0
            self._pools.clear()  # those that it uses come again
            self._numbers[AT["LISTENED_TO"]] = listened
            self._sum_up()
            if self._file_open:
                self._open_file()
        except Exception:
            self.trouble()

    def snapshot(self) -> list[int]:
        """All numbers as they stand, in the order of the layout."""
        with self._lock:
            return self._numbers.tolist()  # type: ignore[no-any-return]

    # --- pools -----------------------------------------------------------------------------------------------

    def pool(self, owner: Any, size: int, limit: int | None, lives_with: Any = None) -> Pool:
        """What counts for the pool `owner`, for as long as that lives; the same each time.

        One that cannot be referred to weakly names a part of its own that can, and that nobody else keeps.
        """
        key = id(owner)
        found = self._pools.get(key)
        if found is None:
            with self._lock:
                found = self._pools.setdefault(key, Pool(size, limit))
                self._sum_up()
            with suppress(TypeError):
                weakref.finalize(lives_with or owner, self._forget, key, found).atexit = False
        elif (found.size, found.limit) != (size, limit) and not found.retired:  # it was resized
            with self._lock:
                found.size, found.limit = size, limit
                self._sum_up()
        return found

    def retire(self, pool: Pool) -> None:
        """Its app has closed it: it keeps nothing from now on. What is still open counts until it is closed."""
        try:
            with self._lock:
                pool.retired, pool.size, pool.limit = True, 0, 0
                self._sum_up()
        except Exception:
            self.trouble()

    def _forget(self, key: int, gone: Pool) -> None:
        """A pool has been collected; another may lie at its address by now."""
        try:
            with self._lock:
                if self._pools.get(key) is gone:
                    del self._pools[key]
                self._numbers[_OPEN] -= gone.open
                self._numbers[_CLOSED] += gone.open
                gone.open = 0  # whatever is heard of them later
                self._sum_up()
        except Exception:
            self.trouble()

    def _sum_up(self) -> None:
        pools = [pool for pool in self._pools.values() if not pool.retired]
        limits = [pool.limit for pool in pools]
        self._numbers[_SIZE] = sum(pool.size for pool in pools)
        self._numbers[_LIMIT] = -1 if not limits or None in limits else sum(limits)  # type: ignore[arg-type]
        self._numbers[_OVERFLOW] = sum(max(0, pool.open - pool.size) for pool in pools if pool.size)

    def opened(self, pool: Pool, number: int = 1) -> None:
        """A connection was opened, or with -1 closed; those that a fork inherits are not its own."""
        try:
            with self._lock:
                if number < 0 and pool.open <= 0:
                    return
                before = max(0, pool.open - pool.size)
                pool.open += number
                self._numbers[_OPENED if number > 0 else _CLOSED] += 1
                self._numbers[_OPEN] += number
                if pool.size:
                    self._numbers[_OVERFLOW] += max(0, pool.open - pool.size) - before
        except Exception:
            self.trouble()

    # --- checkouts -------------------------------------------------------------------------------------------

    def waits(self, number: int = 1) -> None:
        """A connection was asked for, or with -1 the asking is over."""
        try:
            with self._lock:
                self._numbers[_WAITING] += number
        except Exception:
            self.trouble()

    def went_out(self, key: int) -> None:
        """A connection was handed out; `key` is its own until it is back."""
        try:
            place = place_of_app()
            with self._lock:
                numbers = self._numbers
                self._out[key] = (now_ns(), place)
                numbers[_CHECKOUTS] += 1
                out = numbers[_OUT] = len(self._out)
                numbers[_OUT_MAX] = max(numbers[_OUT_MAX], out)
                self._tell_oldest()
        except Exception:
            self.trouble()

    def is_out(self, key: int) -> bool:
        """Whether it is."""
        return key in self._out

    def comes_back(self, key: int) -> int:
        """It is about to be given back; since when it was out, 0 where it was not.

        Before the pool has it, as another thread may have it out again the moment after.
        """
        try:
            with self._lock:
                since = self._out.pop(key, None)
                if since is None:
                    return 0
                self._numbers[_OUT] = len(self._out)
                self._tell_oldest()
                return since[0]
        except Exception:
            self.trouble()
            return 0

    def came_back(self, since_ns: int, release_began_ns: int = 0) -> None:
        """It is back, after having been out `since_ns`."""
        if since_ns:
            self.took("held", since_ns)
            if release_began_ns:
                self.took("release", release_began_ns)

    def look(self) -> None:
        """Tell the place of the connection that has been out the longest, once that is long."""
        try:
            with self._lock:
                self._tell_oldest()
        except Exception:
            self.trouble()

    def _tell_oldest(self) -> None:
        numbers = self._numbers
        if not self._out:
            numbers[_OLDEST] = 0
            return
        since_ns, place = next(iter(self._out.values()))
        numbers[_OLDEST] = since_ns
        if since_ns == self._told_since_ns or now_ns() - since_ns < OLD_NS:
            return
        self._told_since_ns = since_ns
        text = as_text(place).encode("utf-8", "replace")[:PLACE_BYTES].ljust(PLACE_BYTES, b"\0")
        numbers[_TURN] += 1
        numbers[PLACE_AT : PLACE_AT + PLACE_BYTES // 8] = memoryview(text).cast("q")
        numbers[_TURN] += 1

    # --- the rest --------------------------------------------------------------------------------------------

    def add(self, name: str, number: int = 1) -> None:
        """Count one more of a kind (`layout.AT`)."""
        try:
            with self._lock:
                self._numbers[AT[name]] += number
        except Exception:
            self.trouble()

    def put(self, name: str, value: int) -> None:
        """What a gauge stands at."""
        try:
            self._numbers[AT[name]] = value
        except Exception:
            self.trouble()

    def took(self, name: str, began_ns: int) -> None:
        """One of `layout.TIMES_AT` has ended."""
        try:
            with self._lock:
                self._numbers[TIMES_AT[name] + bin_of(now_ns() - began_ns)] += 1
        except Exception:
            self.trouble()

    def lagged(self, lag_ns: int) -> None:
        """An event loop came so much too late to a moment that had been set."""
        try:
            stretch = now_ns() // LAG_SLOT_NS
            at = LAG_AT + 2 * (stretch % LAG_SLOTS)
            with self._lock:
                if self._numbers[at] != stretch:
                    self._numbers[at + 1] = lag_ns
                    self._numbers[at] = stretch
                elif lag_ns > self._numbers[at + 1]:
                    self._numbers[at + 1] = lag_ns
        except Exception:
            self.trouble()


COUNTS = Counts()
