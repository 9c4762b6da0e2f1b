"""A rising ladder of concurrency: where it began to hurt, and what the pool showed."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

from harness.records import Outcome, PoolReading
from reports.analysis.folding import ALL, Folds, Observed, PhaseFold, merge_folds, per_second, together
from reports.analysis.latency import intervals_of
from reports.analysis.windows import PhaseSpan
from reports.read import Trial
from reports.summary import Exhaustion, LadderStep
from scenarios.model import Phase, Scenario

FEWEST_STEPS = 3
LEAST_GAIN = 1.05
"""A step that raises throughput by less than this factor adds users to the queue only."""


def ladder(scenario: Scenario) -> tuple[Phase, ...]:
    """The counting closed phases, where there are three or more of ever more users; else nothing."""
    steps = [phase for phase in scenario.phases if phase.users is not None and not phase.warmup]
    users = [phase.users or 0 for phase in steps]
    rising = all(lower < higher for lower, higher in pairwise(users))
    return tuple(steps) if len(steps) >= FEWEST_STEPS and rising else ()


def exhaustion(scenario: Scenario, observed: Sequence[Observed]) -> Exhaustion | None:
    """The ladder's steps with repetitions merged; None for a scenario without a ladder or without a trial."""
    phases = ladder(scenario)
    if not phases or not observed:
        return None
    folds = merge_folds(one.fold.phases for one in observed)
    steps = tuple(_step(phase, folds, observed) for phase in phases)
    onset = next((step for step in steps if step.refused or step.failed), None)
    limits = [r.limit for one in observed for r in one.trial.readings if isinstance(r, PoolReading) and r.limit]
    return Exhaustion(
        steps=steps,
        onset_phase=onset.phase if onset else None,
        onset_concurrency=onset.concurrency if onset else None,
        onset_sign=_sign(onset),
        checked_out_max=max((s.checked_out_max for s in steps if s.checked_out_max is not None), default=None),
        limit=max(limits, default=None),
        saturation_concurrency=_saturation(steps),
    )


def _step(phase: Phase, folds: Folds, observed: Sequence[Observed]) -> LadderStep:
    place = (phase.name, ALL)
    fold = folds.get(place, PhaseFold())
    most = [
        checked_out_max(one.trial, span)
        for one in observed
        for span in one.course.phases
        if span.name == phase.name
    ]
    return LadderStep(
        phase=phase.name,
        concurrency=phase.users or 0,
        success=fold.success.latency(),
        together=together(fold).latency(),
        completed_per_s=per_second(fold.completed, fold.duration_s),
        refused=fold.outcomes[Outcome.REFUSED.value],
        failed=fold.outcomes[Outcome.FAILED.value] + fold.outcomes[Outcome.UNKNOWN.value],
        checked_out_max=max((value for value in most if value is not None), default=None),
        intervals=intervals_of([one.fold.phases[place] for one in observed if place in one.fold.phases]),
    )


def checked_out_max(trial: Trial, span: PhaseSpan) -> int | None:
    """Most connections out at once during a phase; None where no gauge was read in it.

    The target's own high-water mark counts since it started, so it tells of this phase only where it rose.
    """
    pool = [reading for reading in trial.readings if isinstance(reading, PoolReading)]
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


def _saturation(steps: Sequence[LadderStep]) -> int | None:
    for before, step in pairwise(steps):
        if step.completed_per_s < before.completed_per_s * LEAST_GAIN:
            return step.concurrency
    return None
