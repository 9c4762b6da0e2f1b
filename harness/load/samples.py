"""Every request's account, from its beginning to its one line to the recorder.

Nothing that was begun vanishes: what ends in a way nobody foresaw is recorded as unknown, what never ends as
aborted. Knows gevent and not Locust.
"""

from __future__ import annotations

import time
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from itertools import accumulate, count
from typing import Any, NamedTuple

import gevent

from harness.load import messages
from harness.load.arrivals import Lead
from harness.load.classify import NO_KIND, UNCLASSIFIED, classify
from harness.load.outlet import Outlet
from harness.records import Action, Measure, Outcome
from scenarios.http_client import Response
from scenarios.model import Behaviour, Scenario

SPIN_NS = 50_000
"""How long before its time a request stops sleeping and only yields: about as much as timers wake late."""
MOST_KINDS = 20
"""A target that names a kind of its own in each answer makes no more; further ones are counted as one."""
MOST_SERIES = 400
"""With more than these, all kinds are: reports read 1,000, one for each measure."""
MOST_MEASURED = 900
"""Series times their measures; with more, all names of requests are counted as one, too."""
OTHER = "other"
NEVER_SENT = "never-sent"
"""The kind of an arrival whose task failed before it came to sending."""


@dataclass(slots=True)
class Arrival:
    """One arrival of an open workload, in the greenlet that runs it."""

    intended_ns: int
    operation: str
    begun: bool = False
    kind: str = NEVER_SENT  # of its failure, where it never comes to sending
    silent: bool = False  # it sends nothing, as it was written
    unprepared: bool = False  # it had to wait for a user to run it, which is no lateness of ours


class Answered(NamedTuple):
    """What is known of a request whose answer is there and has not been judged by whoever sent it."""

    outcome: Outcome
    kind: str
    response_ns: int
    service_ns: int


class UnderWay(NamedTuple):
    """A request that has begun. `intended_ns` is from the origin; `token` names the write that it is, or, of a
    read, the one that it looks for.
    """

    operation: str
    intended_ns: int
    token: str | None
    action: Action = "write"


_ARRIVAL: ContextVar[Arrival | None] = ContextVar(
    "arrival", default=None
)  # each greenlet has a context of its own


class Samples:
    """Hands requests to the recorder, and keeps the few totals that gauges need."""

    def __init__(self, scenario: Scenario, samples_fd: int, *, record_writes: bool = False) -> None:
        self._outlet = Outlet(samples_fd)
        self._record_writes = record_writes
        self._phases = [phase.name for phase in scenario.phases]
        self._closed = [phase.behaviour if phase.users is not None else None for phase in scenario.phases]
        ends_s = accumulate(phase.duration_s for phase in scenario.phases)
        self._ends_ns = [round(end_s * 1e9) for end_s in ends_s]
        self._numbers: dict[tuple[str, str, Outcome, str], int] = {}
        self._kinds: set[str] = set()
        self._measured = 0  # series times their measures
        self._lines: list[str] = []
        self._tickets = count()
        self.under_way: dict[int, UnderWay] = {}  # by ticket
        self.answered: dict[int, Answered] = {}  # of those, what is known already
        self.requests: Counter[Outcome] = Counter()  # that ended, or were given up
        self.lead = Lead()
        self.origin_ns = 0
        self.started = self.completed = self.not_started = self.aborted = 0
        self.acknowledged_transfers = 0
        self.late_max_ns = 0
        self.loop_gap_max_ns = 0
        self.closing = False  # no closed user begins another request

    def phase_at(self, t_ns: int) -> str:
        """The phase that a request intended at `t_ns` after the origin belongs to."""
        return self._phases[self._index_at(t_ns)]

    def closed_behaviour(self) -> Behaviour | None:
        """How closed users behave now; None in a phase that has none."""
        return self._closed[self._index_at(time.monotonic_ns() - self.origin_ns)]

    def _index_at(self, t_ns: int) -> int:
        return min(bisect_right(self._ends_ns, t_ns), len(self._phases) - 1)

    @property
    def failure(self) -> str:
        """Why not all was handed over to the recorder; empty where it was."""
        return self._outlet.failure

    @staticmethod
    def current_arrival() -> Arrival | None:
        """The arrival that this greenlet runs; None in that of a closed user."""
        return _ARRIVAL.get()

    @contextmanager
    def arrival(self, arrival: Arrival) -> Iterator[None]:
        """The block runs an arrival's task, in a greenlet of its own; one that fails before sending counts."""
        _ARRIVAL.set(arrival)
        try:
            yield
        finally:
            if not arrival.begun and not arrival.silent:
                self.add_whole(arrival.operation, Outcome.FAILED, arrival.kind, arrival.intended_ns)

    @staticmethod
    def join_arrival(arrival: Arrival) -> None:
        """This greenlet sends for an arrival that another one runs: each has a context of its own."""
        _ARRIVAL.set(arrival)

    @staticmethod
    @contextmanager
    def aside() -> Iterator[None]:
        """What the block sends is sent when it is, whatever arrival this greenlet runs."""
        token = _ARRIVAL.set(None)
        try:
            yield
        finally:
            _ARRIVAL.reset(token)

    def add_whole(
        self, operation: str, outcome: Outcome, kind: str, intended_ns: int, took_ns: int | None = None
    ) -> None:
        """Count what is begun and ended at once; by default it took from `intended_ns` until now."""
        if took_ns is None:
            took_ns = max(0, time.monotonic_ns() - self.origin_ns - intended_ns)
        self.started += 1
        self.completed += 1
        self._add(operation, outcome, kind, UnderWay(operation, intended_ns, None), took_ns, took_ns)

    def begin(self, operation: str, token: str | None = None, action: Action = "write") -> dict[str, Any]:
        """Open a request's account; what it returns travels with the request.

        An arrival's first request was to be sent at the arrival's time, any other when it is.
        """
        arrival = _ARRIVAL.get()
        if arrival is None or arrival.begun:
            intended_ns = time.monotonic_ns() - self.origin_ns
        else:
            intended_ns, arrival.begun = arrival.intended_ns, True
        self.started += 1
        ticket = next(self._tickets)
        self.under_way[ticket] = UnderWay(operation, intended_ns, token, action)
        return {"ticket": ticket}

    def await_due(self) -> None:
        """A request is ready to go: one that has a time of its own waits for it.

        It sleeps short of the mark and yields up to it, since a sleep ends some tens of microseconds late.
        """
        arrival = _ARRIVAL.get()
        if arrival is None or arrival.unprepared:
            return
        due_ns = arrival.intended_ns + self.origin_ns
        late_ns = time.monotonic_ns() - due_ns
        self.lead.learn(late_ns)
        while late_ns < 0:
            gevent.sleep(max(0, -late_ns - SPIN_NS) / 1e9)
            late_ns = time.monotonic_ns() - due_ns
        self.late_max_ns = max(self.late_max_ns, late_ns)

    def end(self, *, name: str, response: Response, context: dict[str, Any], **_: Any) -> None:
        """Locust's request event: classify and hand over. Locust would swallow what this raised."""
        entry = self.under_way.pop(context.get("ticket", -1), None)
        if entry is None:
            return  # given up before; it was counted as aborted
        self.completed += 1
        try:
            outcome, kind = classify(response.status_code, response.content, response.error)
            timing = response.headers.get("server-timing", "")
            if outcome is Outcome.OK and (wrong := context.get("wrong")):  # the user knows better
                outcome, kind = Outcome.FAILED, str(wrong)
        except Exception:
            outcome, kind, timing = Outcome.UNKNOWN, UNCLASSIFIED, ""
        self.acknowledged_transfers += name == "transfer" and outcome is Outcome.OK
        service_ns = response.received_ns - response.sent_ns
        closed = _ARRIVAL.get() is None  # such a user intends to send when it does
        response_ns = service_ns if closed else response.received_ns - self.origin_ns - entry.intended_ns
        number = self._add(name, outcome, kind, entry, response_ns, service_ns, timing)
        if self._record_writes and entry.token is not None:
            answered_ns = response.received_ns - self.origin_ns if response.status_code else None
            sent_ns = response.sent_ns - self.origin_ns
            seen = context.get("seen")
            self._lines.append(
                messages.history_line(entry.action, number, sent_ns, answered_ns, entry.token, seen)
            )

    def name_of(self, ticket: int) -> str:
        """Under what a request is counted that is under way, or nothing where it is not."""
        entry = self.under_way.get(ticket)
        return entry.operation if entry is not None else ""

    def close(self, ticket: int, operation: str, known: Answered, timing: str = "") -> None:
        """Close a request's account with what became of it; once."""
        self.answered.pop(ticket, None)
        entry = self.under_way.pop(ticket, None)
        if entry is None:
            return  # given up before; it was counted as aborted
        self.completed += 1
        self._add(operation, known.outcome, known.kind, entry, known.response_ns, known.service_ns, timing)

    def abort(self) -> None:
        """Close the account of what is still under way: the harness gave it up."""
        for ticket, known in list(self.answered.items()):
            self.close(ticket, self.under_way[ticket].operation, known)
        for ticket in list(self.under_way):
            self.give_up(ticket)

    def give_up(self, ticket: int) -> None:
        """Close the account of a request that nobody waits for any longer."""
        entry = self.under_way.pop(ticket, None)
        if entry is None:
            return
        self.answered.pop(ticket, None)
        self.aborted += 1
        waited_ns = time.monotonic_ns() - self.origin_ns - entry.intended_ns
        number = self._add(entry.operation, Outcome.ABORTED, "given-up", entry, waited_ns, waited_ns)
        if self._record_writes and entry.token is not None:  # sent no sooner than it was meant to be
            self._lines.append(messages.history_line(entry.action, number, entry.intended_ns, None, entry.token))

    def _add(
        self,
        operation: str,
        outcome: Outcome,
        kind: str,
        entry: UnderWay,
        response_ns: int,
        service_ns: int,
        timing: str = "",
    ) -> int:
        """One line to the recorder; the number of its series."""
        phase = self.phase_at(entry.intended_ns)
        series = (operation, phase, outcome, kind)
        number = self._numbers.get(series)
        if number is None:
            number = self._new_series(operation, phase, outcome, kind, len(Measure) if timing else 2)
        self.requests[outcome] += 1
        self._lines.append(messages.sample_line(number, entry.intended_ns, response_ns, service_ns, timing))
        return number

    def _new_series(self, operation: str, phase: str, outcome: Outcome, kind: str, measures: int) -> int:
        if self._measured >= MOST_MEASURED:
            operation = OTHER
        if kind != NO_KIND:
            if len(self._kinds) < MOST_KINDS:
                self._kinds.add(kind)
            if kind not in self._kinds or len(self._numbers) >= MOST_SERIES:
                kind = OTHER
        series = (operation, phase, outcome, kind)
        number = self._numbers.get(series)
        if number is None:
            number = self._numbers[series] = len(self._numbers)
            self._measured += measures
            self._lines.append(messages.series_line(number, *series))
        return number

    def flush(self) -> None:
        """Hand what has gathered to the recorder, as far as its pipe takes it."""
        lines, self._lines = self._lines, []
        self._outlet.put("".join(lines))

    def finish(self, within_s: float) -> None:
        """Hand over all that is left, and wait for that so long."""
        self.flush()
        self._outlet.empty(within_s)
