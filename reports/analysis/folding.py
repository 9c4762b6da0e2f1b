"""One pass over a trial's latencies: everything that the later steps need of them, and no cell kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from harness.records import GeneratorReading, Measure, Outcome
from reports.analysis.outcomes import ErrorKey
from reports.analysis.returning import ReturnFold
from reports.analysis.timeline import TimelineFold
from reports.analysis.windows import Course, OutsideFold, PhaseSpan, Window, course, window_folds
from reports.distribution import Distribution, merged
from reports.files import reason_of
from reports.histograms import count_between_ns, longest_ns
from reports.oracles.cases import Return
from reports.read import DamageError, SeriesCell, Trial
from reports.summary import Timeline
from scenarios.model import Phase, Scenario

ALL = "all"

Place = tuple[str, str]
"""Phase and operation (or `ALL`)."""


@dataclass(slots=True)
class PhaseFold:
    """What a phase adds up to; folds of several trials merge. `parts` are of successes, from Server-Timing, as is
    `refused_acquire`, how long the refused had waited for a connection.
    """

    success: Distribution = field(default_factory=Distribution)
    failure: Distribution = field(default_factory=Distribution)
    service: Distribution = field(default_factory=Distribution)
    parts: dict[Measure, Distribution] = field(default_factory=dict)
    refused_acquire: Distribution = field(default_factory=Distribution)
    outcomes: Counter[str] = field(default_factory=Counter)
    completed: int = 0  # successes answered during the phase
    not_started: int = 0
    duration_s: float = 0.0

    def add(self, cell: SeriesCell) -> None:
        """Take in a cell. Each request is counted once, under its response time."""
        outcome, measure = cell.key.outcome, cell.key.measure
        if measure is Measure.RESPONSE:
            self.outcomes[outcome.value] += cell.total
            if outcome is Outcome.OK:
                self.success.add(cell.counters, cell.total)
            elif outcome is not Outcome.ABORTED:
                self.failure.add(cell.counters, cell.total)
        elif outcome is Outcome.OK:
            if measure is Measure.SERVICE:
                self.service.add(cell.counters, cell.total)
            else:
                self.parts.setdefault(measure, Distribution()).add(cell.counters, cell.total)
        elif outcome is Outcome.REFUSED and measure is Measure.ACQUIRE:
            self.refused_acquire.add(cell.counters, cell.total)

    def merge(self, other: PhaseFold) -> None:
        """Add another fold of the same phase and operation, or of another operation of the same phase."""
        self.success.merge(other.success)
        self.failure.merge(other.failure)
        self.service.merge(other.service)
        for measure, part in other.parts.items():
            self.parts.setdefault(measure, Distribution()).merge(part)
        self.refused_acquire.merge(other.refused_acquire)
        self.outcomes.update(other.outcomes)
        self.completed += other.completed
        self.not_started += other.not_started
        self.duration_s += other.duration_s

    def pack(self) -> None:
        """Take less memory until more is added."""
        every = (self.success, self.failure, self.service, self.refused_acquire, *self.parts.values())
        for distribution in every:
            distribution.pack()


Folds = Mapping[Place, PhaseFold]


@dataclass(frozen=True, slots=True)
class TrialFold:
    """What one pass over a trial found."""

    phases: Folds  # every phase has a fold for `ALL`, even without a request
    windows: tuple[Window, ...]
    timeline: Timeline
    outside: tuple[int, int]  # requests sent outside every fault, and how many of these failed
    returns: tuple[Return, ...] = ()  # one for each healed fault
    endings: Mapping[ErrorKey, Distribution] = field(default_factory=dict)  # response times of all but successes

    @property
    def errors(self) -> Counter[ErrorKey]:
        """How many requests ended in each way but success."""
        return Counter({ending: latencies.total for ending, latencies in self.endings.items()})


@dataclass(frozen=True, slots=True)
class Observed:
    """A completed trial, what happened when in it, and what its latencies add up to: all that judges it.

    `expects_proofs`: whether its run was recorded with proofs of faults at all.
    """

    scenario: Scenario
    trial: Trial
    course: Course
    fold: TrialFold
    expects_proofs: bool = True

    @property
    def counting(self) -> tuple[Phase, ...]:
        """The phases that are not warm-up."""
        return tuple(phase for phase in self.scenario.phases if not phase.warmup)

    @property
    def repetition(self) -> int:
        """Which repetition it is, from 1."""
        return self.trial.record.spec.repetition


def observe(scenario: Scenario, trial: Trial, expects_proofs: bool) -> Observed:
    """Go through a completed trial. Raises DamageError where its record is not whole or not to be believed."""
    if trial.damage:
        raise DamageError(trial.damage)
    try:
        happened = course(trial, scenario)
        return Observed(scenario, trial, happened, fold_trial(trial, happened), expects_proofs)
    except (ArithmeticError, ValueError, TypeError, LookupError) as error:
        raise DamageError(f"the record tells what cannot have been ({reason_of(error)})") from error


def fold_trial(trial: Trial, happened: Course) -> TrialFold:
    """Add up one trial. Raises DamageError where its histogram log is damaged."""
    phases: dict[Place, PhaseFold] = {}
    windows, outside, over_time = window_folds(happened), OutsideFold(happened), TimelineFold(happened)
    returns = ReturnFold(happened)
    endings: dict[ErrorKey, Distribution] = {}
    spans = {span.name: span for span in happened.phases}
    for cell in trial.cells:
        key = cell.key
        place = (key.phase, key.operation)
        fold = phases.get(place)
        if fold is None:
            fold = phases[place] = PhaseFold()
        fold.add(cell)
        if key.measure is not Measure.RESPONSE:
            continue
        if key.outcome is Outcome.OK:
            _add_completions(cell, spans, phases)
        else:
            ending = (key.phase, key.operation, key.outcome.value, key.kind)
            endings.setdefault(ending, Distribution()).add(cell.counters, cell.total)
        over_time.add(cell)
        outside.add(cell)
        returns.add(cell)
        for window in windows:
            window.add(cell)
    return TrialFold(
        phases=_finish_phases(trial, happened, phases),
        windows=tuple(window.finish(trial.record.spec.repetition) for window in windows),
        timeline=over_time.finish(trial),
        outside=(outside.requests, outside.failures),
        returns=returns.finish(),
        endings=endings,
    )


def _add_completions(cell: SeriesCell, spans: Mapping[str, PhaseSpan], phases: dict[Place, PhaseFold]) -> None:
    """Count successes in the phase in which they were answered: send (middle of its interval) plus latency.

    Each phase has a cell of its own, so that the middle is that of the interval's part in the phase. Counting by
    send instead would quantise a closed ladder of slow requests: users who hold a connection for
    500 ms send three times in a step of 1.1 s, yet are answered twice.
    """
    own = spans.get(cell.key.phase)
    start_ns, end_ns = cell.start_ns, cell.end_ns
    if own is not None and start_ns < own.end_ns and end_ns > own.start_ns:
        start_ns, end_ns = max(start_ns, own.start_ns), min(end_ns, own.end_ns)
    middle_ns = (start_ns + end_ns) // 2
    last_ns = middle_ns + longest_ns(cell.counters)
    for span in spans.values():
        if middle_ns >= span.end_ns or last_ns < span.start_ns:
            continue
        answered = cell.total
        if middle_ns < span.start_ns or last_ns >= span.end_ns:
            answered = count_between_ns(cell.counters, span.start_ns - middle_ns, span.end_ns - middle_ns)
        if answered:
            phases.setdefault((span.name, cell.key.operation), PhaseFold()).completed += answered


def _finish_phases(trial: Trial, happened: Course, phases: dict[Place, PhaseFold]) -> Folds:
    """Give each phase its fold for `ALL`, its length, and what the cap kept back."""
    kept_back = _not_started(trial)
    lengths = {span.name: span.duration_s for span in happened.phases}
    names = dict.fromkeys([*lengths, *(phase for phase, _ in phases), *kept_back])
    folds = dict(phases)
    whole = {name: PhaseFold() for name in names}
    for (phase, _), fold in phases.items():
        whole[phase].merge(fold)
    for name, everything in whole.items():
        everything.not_started = kept_back[name]
        folds[name, ALL] = everything
    for (phase, _), fold in folds.items():
        fold.duration_s = lengths.get(phase, 0.0)
        fold.pack()
    return folds


def _not_started(trial: Trial) -> Counter[str]:
    """Requests kept back by the in-flight cap, by the phase of the reading that first tells of them."""
    counts: Counter[str] = Counter()
    before = 0
    for reading in trial.readings_of(GeneratorReading):
        counts[reading.phase] += max(reading.not_started_total - before, 0)
        before = max(reading.not_started_total, before)
    return counts


def merge_folds(parts: Iterable[Folds]) -> dict[Place, PhaseFold]:
    """The folds of several trials as one."""
    whole: dict[Place, PhaseFold] = {}
    for part in parts:
        for place, fold in part.items():
            whole.setdefault(place, PhaseFold()).merge(fold)
    return whole


def together(fold: PhaseFold) -> Distribution:
    """Successes and failures as one distribution."""
    return merged((fold.success, fold.failure))


def per_second(count: int, duration_s: float) -> float:
    """A rate; 0 for a phase that took no time."""
    return count / duration_s if duration_s > 0 else 0.0
