"""Which connections are out of their pools, who has them, and what becomes of them.

Everything here may be called from any thread and from within itself, and raises nothing, as in `counts`.
"""

from __future__ import annotations

from collections import OrderedDict
from contextlib import suppress

from poolstorm_probe import askers
from poolstorm_probe.askers import NOBODY, Asker, Request, current, forget, holds_one, request_of, who
from poolstorm_probe.counts import COUNTS, now_ns
from poolstorm_probe.errors import kind_of
from poolstorm_probe.layout import AT, PLACE_AT, PLACE_BYTES
from poolstorm_probe.whereabouts import Place, as_text, place_of_app

OLD_NS = 100_000_000
"""A connection that has been out so long has its place told."""

_OUT, _OUT_MAX, _CHECKOUTS, _WAITING = AT["OUT"], AT["OUT_MAX"], AT["CHECKOUTS"], AT["WAITING"]
_REQUESTS, _NESTED, _NESTED_WAITS = AT["REQUESTS"], AT["NESTED"], AT["NESTED_WAITS"]
_OLDEST, _TURN = AT["OLDEST_SINCE_NS"], AT["PLACE_TURN"]
_STATEMENTS, _SHARED, _IDLE_NS, _BUSY_NS = AT["STATEMENTS"], AT["SHARED"], AT["IDLE_NS"], AT["BUSY_NS"]
_IN_LOOP, _IN_LOOP_NS = AT["IN_LOOP"], AT["IN_LOOP_NS"]
_CANCELLED_OUT, _FOR_NOBODY = AT["CANCELLED_OUT"], AT["WORK_FOR_NOBODY"]
_LATE, _ABANDONED = AT["OUT_AFTER_RESPONSE"], AT["ABANDONED"]

_TOLD = "_poolstorm_probe_told"
_NO_ERRORS = (GeneratorExit, KeyboardInterrupt, SystemExit)


class Checkout:
    """One connection, from when it is asked for until it is back. Defaults stand here once."""

    asker: Asker = NOBODY
    request: Request | None = None
    """That it was taken in."""
    user: Request | None = None
    """That used it first."""
    place: Place | None = None
    asked_ns = since_ns = release_began_ns = 0
    key = 0
    """Its own while it is out."""
    busy_ns = under_way = 0
    nested = shared = cancelled = late = abandoned = False

    def was_cancelled(self) -> None:
        """Who has it was, or nobody waits for what is done with it any more. Under the lock of the counts."""
        if not self.cancelled:
            self.cancelled = True
            COUNTS.numbers[_CANCELLED_OUT] += 1


class Outs:
    """All of them, the longest out first."""

    def __init__(self) -> None:
        self._out: OrderedDict[int, Checkout] = OrderedDict()
        self._told_since_ns = 0  # of the connection whose place is written down
        COUNTS.in_child.append(self._begin_anew)

    def _begin_anew(self) -> None:
        self._out.clear()
        self._told_since_ns = 0
        forget()

    # --- out and back ----------------------------------------------------------------------------------------

    def asks(self) -> Checkout:
        """Whoever runs now asks for a connection; `got` or `got_none` follows."""
        one = Checkout()
        try:
            one.asker = asker = who()
            request = request_of(asker)
            if request is not None:
                one.request = one.user = request
            with COUNTS.lock:
                numbers = COUNTS.numbers
                numbers[_WAITING] += 1
                if request is not None and not request.asked:
                    request.asked = True
                    numbers[_REQUESTS] += 1
                if asker.out or (request is not None and request.outs and holds_one(asker, request)):
                    one.nested = True
                    numbers[_NESTED_WAITS] += 1
        except Exception:
            COUNTS.trouble()
        one.asked_ns = now_ns()
        return one

    def got_none(self, one: Checkout, *, blocking: bool = False) -> None:
        """The asking is over; `blocking` where it was a synchronous call."""
        try:
            with COUNTS.lock:
                self._no_longer_asked(one, now_ns(), blocking)
        except Exception:
            COUNTS.trouble()

    @staticmethod
    def _no_longer_asked(one: Checkout, at_ns: int, blocking: bool) -> None:
        numbers = COUNTS.numbers
        numbers[_WAITING] -= 1
        waited_ns = at_ns - one.asked_ns
        COUNTS.lasted("acquire", waited_ns)
        if one.request is not None and one.request.gone:
            numbers[_FOR_NOBODY] += 1
        if blocking and askers.running_loop() is not None:
            numbers[_IN_LOOP] += 1
            numbers[_IN_LOOP_NS] += waited_ns

    def got(self, one: Checkout, key: int, *, blocking: bool = False) -> None:
        """A connection was handed out; `key` is its own until it is back."""
        try:
            one.key, one.since_ns, one.place = key, now_ns(), place_of_app()
            request = one.request
            with COUNTS.lock:
                self._no_longer_asked(one, one.since_ns, blocking)
                numbers, outs = COUNTS.numbers, self._out
                if key in outs:
                    self.comes_back(outs[key])
                if one.nested:
                    numbers[_NESTED] += 1
                one.asker.out += 1
                if request is not None:
                    if not request.outs:
                        request.outs = set()
                    request.outs.add(one)
                    if request.begun:
                        one.late = True
                        numbers[_LATE] += 1
                outs[key] = one
                numbers[_CHECKOUTS] += 1
                out = numbers[_OUT] = len(outs)
                numbers[_OUT_MAX] = max(numbers[_OUT_MAX], out)
                if out == 1:
                    numbers[_OLDEST] = one.since_ns
                else:
                    self._tell_oldest()
        except Exception:
            COUNTS.trouble()

    def get(self, key: int) -> Checkout | None:
        """What is out under a key."""
        return self._out.get(key)

    def comes_back(self, one: Checkout) -> bool:
        """It is about to be given back; whether it was out of this process, and none that a fork inherited.

        Before the pool has it, as another thread may have it out again the moment after.
        """
        try:
            with COUNTS.lock:
                outs, numbers = self._out, COUNTS.numbers
                if outs.get(one.key) is not one:
                    return False
                del outs[one.key]
                numbers[_OUT] = len(outs)
                self._is_over(one)
                if outs:
                    self._tell_oldest()
                else:
                    numbers[_OLDEST] = 0
            return True
        except Exception:
            COUNTS.trouble()
            return False

    def came_back(self, one: Checkout, release_began_ns: int = 0) -> None:
        """It is back."""
        try:
            ended_ns = now_ns()
            with COUNTS.lock:
                COUNTS.lasted("held", ended_ns - one.since_ns)
                if release_began_ns:
                    COUNTS.lasted("release", ended_ns - release_began_ns)
        except Exception:
            COUNTS.trouble()

    def _is_over(self, one: Checkout) -> None:
        numbers = COUNTS.numbers
        one.asker.out -= 1
        if one.request is not None:
            one.request.outs.discard(one)
        if one.late:
            numbers[_LATE] -= 1
        if one.abandoned:
            numbers[_ABANDONED] -= 1
        if one.asker.was_cancelled():
            one.was_cancelled()
        held_ns = now_ns() - one.since_ns
        busy_ns = min(one.busy_ns, held_ns)
        numbers[_BUSY_NS] += busy_ns
        numbers[_IDLE_NS] += held_ns - busy_ns

    def look(self) -> None:
        """Tell the place of the connection that has been out the longest, once that is long."""
        try:
            with COUNTS.lock:
                self._tell_oldest()
        except Exception:
            COUNTS.trouble()

    def _tell_oldest(self) -> None:
        numbers = COUNTS.numbers
        if not self._out:
            numbers[_OLDEST] = 0
            return
        one = next(iter(self._out.values()))
        numbers[_OLDEST] = one.since_ns
        if one.since_ns == self._told_since_ns or now_ns() - one.since_ns < OLD_NS:
            return
        self._told_since_ns = one.since_ns
        text = as_text(one.place).encode("utf-8", "replace")[:PLACE_BYTES].ljust(PLACE_BYTES, b"\0")
        numbers[_TURN] += 1
        numbers[PLACE_AT : PLACE_AT + PLACE_BYTES // 8] = memoryview(text).cast("q")
        numbers[_TURN] += 1

    # --- what is done with them ------------------------------------------------------------------------------

    def over(
        self, one: Checkout, began_ns: int, *, statement: bool = True, blocking: bool = False, inner: bool = False
    ) -> None:
        """What began at that moment is over: a statement of the app's, or what its library sends by itself.

        `blocking` where it was a synchronous call, `inner` where something else goes on that it belongs to.
        """
        try:
            lasted_ns = now_ns() - began_ns
            asker = current.get()
            request = None if asker is None else request_of(asker)
            with COUNTS.lock:
                numbers = COUNTS.numbers
                if not inner:
                    one.busy_ns += lasted_ns
                if statement:
                    numbers[_STATEMENTS] += 1
                    COUNTS.lasted("query", lasted_ns)
                if request is not None:
                    if request is not one.user:
                        self._has_another_user(one, request)
                    if statement and request.gone:
                        numbers[_FOR_NOBODY] += 1
                if blocking and askers.running_loop() is not None:
                    numbers[_IN_LOOP] += 1
                    numbers[_IN_LOOP_NS] += lasted_ns
        except Exception:
            COUNTS.trouble()

    @staticmethod
    def _has_another_user(one: Checkout, request: Request) -> None:
        if one.user is None:  # taken outside of any request
            one.user = request
        elif not one.shared:
            one.shared = True
            COUNTS.numbers[_SHARED] += 1

    def failed(self, error: BaseException, one: Checkout | None = None, kind: str = "") -> None:
        """An error was raised, on a connection that is out or on none; each is counted once."""
        try:
            if isinstance(error, _NO_ERRORS) or getattr(error, _TOLD, False):
                return
            self.pass_over(error)
            if getattr(error.__cause__, _TOLD, False):  # told already, in its driver's own words
                return
            kind = kind or kind_of(error)
            with COUNTS.lock:
                COUNTS.failed(kind)
                if one is not None and kind == "cancelled":
                    one.was_cancelled()
        except Exception:
            COUNTS.trouble()

    @staticmethod
    def pass_over(error: BaseException) -> None:
        """Do not count it from now on."""
        with suppress(Exception):
            setattr(error, _TOLD, True)


OUTS = Outs()
