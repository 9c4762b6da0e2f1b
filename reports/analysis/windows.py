"""Phases and fault windows from the recorded marks, and what happened inside the windows.

A request is inside a fault only when its whole interval lies between inject-done and heal-begin, and outside
only when its whole interval lies before inject-begin or after heal-done; what straddles an edge is neither.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from harness.records import MARKS_FILE, Mark, MarkKind, Outcome
from reports.analysis.recovery import Recovery, RecoveryFold
from reports.distribution import Distribution, merged
from reports.histograms import count_up_to_ns
from reports.read import DamageError, SeriesCell, Trial
from reports.summary import FaultWindow
from scenarios.model import Scenario

MOST_FAULTS = 100
"""So many injections are believed, and more only where more were planned."""


@dataclass(frozen=True, slots=True)
class PhaseSpan:
    """A phase as it really ran."""

    name: str
    start_ns: int
    end_ns: int
    load: str = ""  # what was offered, in words: phases of the same can be compared

    @property
    def duration_s(self) -> float:
        """Its length in seconds."""
        return (self.end_ns - self.start_ns) / 1e9


@dataclass(frozen=True, slots=True)
class FaultSpan:
    """One injection as marked, with where it was planned; the healing's times are None where it never came."""

    phase: str
    kind: str
    planned_ns: int
    inject_begin_ns: int
    inject_done_ns: int
    heal_planned_ns: int | None
    heal_begin_ns: int | None
    heal_done_ns: int | None
    part: str = ""
    proved: int = 0  # proofs by a probe that the fault acts, and that it is over: two in all
    unproved: tuple[str, ...] = ()  # what a probe saw instead of the fault, or of its end


@dataclass(frozen=True, slots=True)
class Course:
    """What happened when in one trial."""

    phases: tuple[PhaseSpan, ...]
    faults: tuple[FaultSpan, ...]
    load_end_ns: int


def course(trial: Trial, scenario: Scenario) -> Course:
    """Read the marks. A phase without both marks is taken as planned, after the one before it."""
    starts = {mark.phase: mark.t_ns for mark in trial.marks if mark.kind is MarkKind.PHASE_START}
    ends = {mark.phase: mark.t_ns for mark in trial.marks if mark.kind is MarkKind.PHASE_END}
    spans: list[PhaseSpan] = []
    at_ns = 0
    for phase in scenario.phases:
        start_ns = starts.get(phase.name, at_ns)
        at_ns = max(ends.get(phase.name, start_ns + round(phase.duration_s * 1e9)), start_ns)
        load = f"{phase.describe_load()} ({phase.behaviour})"
        spans.append(PhaseSpan(phase.name, start_ns, at_ns, load))
    faults = tuple(_fault_spans(trial))
    if len(faults) > max(MOST_FAULTS, sum(len(phase.faults) for phase in scenario.phases)):
        raise DamageError(f"{MARKS_FILE} tells of {len(faults):,} injections, more than were planned")
    ended = [mark.t_ns for mark in trial.marks if mark.kind is MarkKind.LOAD_END]
    return Course(tuple(spans), faults, ended[0] if ended else at_ns)


def _fault_spans(trial: Trial) -> Iterator[FaultSpan]:
    """One span for each fault with both marks of its injection, in the order of injection."""
    faults: dict[tuple[str, int, str, str], list[Mark]] = {}
    for mark in trial.marks:
        if mark.fault:
            faults.setdefault((mark.phase, mark.number, mark.fault, mark.part), []).append(mark)
    for (phase, _, fault, part), marks in faults.items():
        at = {mark.kind: mark.t_ns for mark in marks}
        if MarkKind.INJECT_BEGIN not in at or MarkKind.INJECT_DONE not in at:
            continue
        plan = {mark.kind: mark.planned_ns for mark in marks if mark.planned_ns is not None}
        yield FaultSpan(
            phase=phase,
            kind=fault,
            part=part,
            planned_ns=plan.get(MarkKind.INJECT_BEGIN, plan.get(MarkKind.INJECT_DONE, at[MarkKind.INJECT_BEGIN])),
            inject_begin_ns=at[MarkKind.INJECT_BEGIN],
            inject_done_ns=at[MarkKind.INJECT_DONE],
            heal_planned_ns=plan.get(MarkKind.HEAL_BEGIN, plan.get(MarkKind.HEAL_DONE)),
            heal_begin_ns=at.get(MarkKind.HEAL_BEGIN),
            heal_done_ns=at.get(MarkKind.HEAL_DONE),
            proved=sum(mark.kind is MarkKind.PROVED for mark in marks),
            unproved=tuple(mark.detail for mark in marks if mark.kind is MarkKind.UNPROVED),
        )


@dataclass(frozen=True, slots=True)
class Window:
    """A fault window, its requests as distributions (successes by operation), and how recovery was told."""

    span: FaultSpan
    result: FaultWindow
    successes: Mapping[str, Distribution]
    failures: Distribution
    recovery: Recovery


class WindowFold:
    """The requests that were sent wholly inside one injection, and what came after its healing."""

    def __init__(self, span: FaultSpan, next_injection_ns: int | None, load_end_ns: int) -> None:
        self._span = span
        self._until_ns = load_end_ns if span.heal_begin_ns is None else span.heal_begin_ns
        self._successes: dict[str, Distribution] = {}
        self._failures = Distribution()
        self._requests = self._answered = 0
        self._recovery = (
            None if span.heal_done_ns is None else RecoveryFold(span.heal_done_ns, next_injection_ns, load_end_ns)
        )

    def add(self, cell: SeriesCell) -> None:
        """Take in a cell of response times."""
        if self._recovery is not None:
            self._recovery.add(cell)
        if cell.start_ns < self._span.inject_done_ns or cell.end_ns > self._until_ns:
            return
        self._requests += cell.total
        if cell.key.outcome is Outcome.ABORTED:
            return
        if cell.key.outcome is Outcome.OK:
            self._successes.setdefault(cell.key.operation, Distribution()).add(cell.counters, cell.total)
        else:
            self._failures.add(cell.counters, cell.total)
        # The send lies somewhere in the interval, so its end gives a number that is never too large.
        self._answered += count_up_to_ns(cell.counters, self._until_ns - cell.end_ns)

    def finish(self, repetition: int) -> Window:
        """The window with its figures."""
        span = self._span
        healed = self._recovery.finish() if self._recovery is not None else Recovery(None, False)
        result = FaultWindow(
            repetition=repetition,
            phase=span.phase,
            kind=span.kind,
            planned_s=span.planned_ns / 1e9,
            inject_begin_s=span.inject_begin_ns / 1e9,
            inject_done_s=span.inject_done_ns / 1e9,
            heal_begin_s=_seconds(span.heal_begin_ns),
            heal_done_s=_seconds(span.heal_done_ns),
            inject_late_ms=(span.inject_done_ns - span.planned_ns) / 1e6,
            heal_late_ms=_late_ms(span.heal_done_ns, span.heal_planned_ns),
            requests=self._requests,
            success=merged(self._successes.values()).latency(),
            failure=self._failures.latency(),
            answered_inside=self._answered,
            recovery_ms=healed.after_ms,
        )
        return Window(span, result, self._successes, self._failures, healed)


def window_folds(happened: Course) -> list[WindowFold]:
    """One fold for each injection of a trial."""
    return [
        WindowFold(
            span,
            next_injection_ns=min((f.inject_begin_ns for f in happened.faults[n + 1 :]), default=None),
            load_end_ns=happened.load_end_ns,
        )
        for n, span in enumerate(happened.faults)
    ]


def _seconds(at_ns: int | None) -> float | None:
    return None if at_ns is None else at_ns / 1e9


def _late_ms(at_ns: int | None, planned_ns: int | None) -> float | None:
    return None if at_ns is None or planned_ns is None else (at_ns - planned_ns) / 1e6


class OutsideFold:
    """Requests sent outside every fault, and how many of these failed.

    A failure whose answer may have come after the next injection began is taken for that fault's doing; it
    counts in neither number.
    """

    def __init__(self, happened: Course) -> None:
        self._faults = happened.faults
        self.requests = 0
        self.failures = 0

    def add(self, cell: SeriesCell) -> None:
        """Take in a cell of response times."""
        if cell.key.outcome is Outcome.ABORTED or self._touches_fault(cell):
            return
        own = cell.total
        if cell.key.outcome is not Outcome.OK:
            later = [span.inject_begin_ns for span in self._faults if span.inject_begin_ns >= cell.end_ns]
            own = count_up_to_ns(cell.counters, min(later) - cell.end_ns) if later else cell.total
            self.failures += own
        self.requests += own

    def _touches_fault(self, cell: SeriesCell) -> bool:
        return any(
            cell.end_ns > span.inject_begin_ns and (span.heal_done_ns is None or cell.start_ns < span.heal_done_ns)
            for span in self._faults
        )
