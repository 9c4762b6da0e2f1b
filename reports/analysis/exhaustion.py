"""A rising ladder of users or of arrivals: where it began to hurt, and what the pool showed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Literal

from harness.records import DatabaseReading, GeneratorReading, Outcome, PoolReading
from reports.analysis.folding import ALL, Folds, Observed, PhaseFold, merge_folds, per_second, together
from reports.analysis.latency import intervals_of
from reports.analysis.windows import PhaseSpan
from reports.read import Trial
from reports.summary import Exhaustion, LadderStep, LadderUnit
from scenarios.model import Phase, Scenario

FEWEST_STEPS = 3
LEAST_GAIN = 1.05
"""A step that raises throughput by less than this factor adds to the queue only."""
LEVEL = ("constant", "poisson")
"""Arrival processes whose rate stays the same throughout a phase, as a step's must."""


def ladder(scenario: Scenario) -> tuple[Phase, ...]:
    """The counting phases, where there are three or more of ever more users, or of ever more arrivals; or nothing.

    Closed phases alone make the ladder where there are enough of them.
    """
    counting = [phase for phase in scenario.phases if not phase.warmup]
    closed = [phase for phase in counting if phase.users is not None]
    level = all(phase.arrivals is not None and phase.arrivals.process in LEVEL for phase in counting)
    for steps in (closed, counting if level else []):
        rising = all(lower < higher for lower, higher in pairwise(map(_offered, steps)))
        if len(steps) >= FEWEST_STEPS and rising:
            return tuple(steps)
    return ()


def _offered(phase: Phase) -> float:
    return phase.arrivals.rate_per_s if phase.arrivals else float(phase.users or 0)


def exhaustion(scenario: Scenario, observed: Sequence[Observed]) -> Exhaustion | None:
    """The ladder's steps with repetitions merged; None for a scenario without a ladder or without a trial."""
    phases = ladder(scenario)
    if not phases or not observed:
        return None
    folds = merge_folds(one.fold.phases for one in observed)
    steps = tuple(_step(phase, folds, observed) for phase in phases)
    onset = next((step for step in steps if step.refused or step.failed), None)
    unit: LadderUnit = "users" if phases[0].users is not None else "per_s"
    limits = [r.limit for one in observed for r in one.trial.readings_of(PoolReading) if r.limit]
    return Exhaustion(
        steps=steps,
        offered_in=unit,
        onset_phase=onset.phase if onset else None,
        onset_offered=onset.offered if onset else None,
        onset_sign=_sign(onset),
        checked_out_max=max((s.checked_out_max for s in steps if s.checked_out_max is not None), default=None),
        limit=max(limits, default=None),
        sessions_max=max(
            (
                reading.total
                for one in observed
                for reading in one.trial.readings_of(DatabaseReading)
                if reading.of_primary
            ),
            default=None,
        ),
        saturation_offered=_saturation(steps),
    )


def _step(phase: Phase, folds: Folds, observed: Sequence[Observed]) -> LadderStep:
    place = (phase.name, ALL)
    fold = folds.get(place, PhaseFold())
    spans = [(one.trial, span) for one in observed for span in one.course.phases if span.name == phase.name]
    return LadderStep(
        phase=phase.name,
        offered=_offered(phase),
        success=fold.success.latency(),
        together=together(fold).latency(),
        completed_per_s=per_second(fold.completed, fold.duration_s),
        refused=fold.outcomes[Outcome.REFUSED.value],
        failed=fold.outcomes[Outcome.FAILED.value] + fold.outcomes[Outcome.UNKNOWN.value],
        given_up=fold.outcomes[Outcome.ABORTED.value],
        in_flight_max=_largest(in_flight_max(trial, phase) for trial, _ in spans),
        checked_out_max=_largest(checked_out_max(trial, span) for trial, span in spans),
        intervals=intervals_of([one.fold.phases[place] for one in observed if place in one.fold.phases]),
    )


def _largest(values: Iterable[int | None]) -> int | None:
    return max((value for value in values if value is not None), default=None)


def in_flight_max(trial: Trial, phase: Phase) -> int | None:
    """Most requests in flight at any reading of the generator during a phase; None where there was none."""
    readings = trial.readings_of(GeneratorReading)
    return max((reading.in_flight for reading in readings if reading.phase == phase.name), default=None)


def checked_out_max(trial: Trial, span: PhaseSpan) -> int | None:
    """Most connections out at once during a phase; None where no gauge was read in it.

    The target's own high-water mark counts since it started, so it tells of this phase only where it rose.
    """
    pool = trial.readings_of(PoolReading)
    inside = [reading for reading in pool if span.start_ns <= reading.t_ns < span.end_ns]
    if not inside:
        return None
    most = max(reading.checked_out for reading in inside)
    before = [reading.checked_out_max for reading in pool if reading.t_ns < span.start_ns]
    if before and inside[-1].checked_out_max > before[-1]:
        most = max(most, inside[-1].checked_out_max)
    return most


def _sign(onset: LadderStep | None) -> Literal["refusals", "failures", "none"]:
    if onset is None:
        return "none"
    return "refusals" if onset.refused >= onset.failed else "failures"


def _saturation(steps: Sequence[LadderStep]) -> float | None:
    for before, step in pairwise(steps):
        if step.completed_per_s < before.completed_per_s * LEAST_GAIN:
            return step.offered
    return None
