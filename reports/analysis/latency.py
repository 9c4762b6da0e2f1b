"""Latencies by phase and operation, merged over repetitions, and their ratio to the control target."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from harness.records import Outcome
from reports.analysis.folding import ALL, Folds, PhaseFold, Place, merge_folds, per_second, together
from reports.analysis.noise import Floors
from reports.analysis.outcomes import success_share
from reports.analysis.ratios import P50, P90, P99, paired_ratios, ratio_of
from reports.analysis.spread import spread_of, spread_of_logs, within
from reports.summary import Intervals, PhaseResult
from scenarios.model import Phase, Scenario


def places_of(scenario: Scenario, folds: Iterable[Place]) -> list[tuple[Phase, str]]:
    """Phases in their order, `ALL` before the single operations."""
    known = sorted(set(folds))
    places = []
    for phase in scenario.phases:
        operations = [operation for name, operation in known if name == phase.name]
        ordered = sorted(operations, key=lambda operation: (operation != ALL, operation))
        places += [(phase, operation) for operation in ordered]
    return places


def phase_results(
    scenario: Scenario,
    by_repetition: Mapping[int, Folds],
    control: Mapping[int, Folds] | None,
    floors: Floors,
) -> tuple[PhaseResult, ...]:
    """One result for each phase and operation. `control` is None for the control itself."""
    whole = merge_folds(by_repetition.values())
    return tuple(
        _phase_result(phase, operation, whole[phase.name, operation], by_repetition, control or {}, floors)
        for phase, operation in places_of(scenario, whole)
    )


def _phase_result(
    phase: Phase,
    operation: str,
    fold: PhaseFold,
    by_repetition: Mapping[int, Folds],
    control: Mapping[int, Folds],
    floors: Floors,
) -> PhaseResult:
    place = (phase.name, operation)
    p50_floor, p99_floor = floors.get(place, (None, None))
    return PhaseResult(
        phase=phase.name,
        operation=operation,
        warmup=phase.warmup,
        load=phase.describe_load(),
        success=fold.success.latency(),
        failure=fold.failure.latency(),
        together=together(fold).latency(),
        service=fold.service.latency(),
        started_per_s=per_second(fold.outcomes.total(), fold.duration_s),
        completed_per_s=per_second(fold.completed, fold.duration_s),
        success_share=success_share(fold.outcomes),
        not_started=fold.not_started,
        outcomes={outcome.value: fold.outcomes[outcome.value] for outcome in Outcome},
        p50_ratio=ratio_of(paired_ratios(place, by_repetition, control, P50), p50_floor),
        p99_ratio=ratio_of(paired_ratios(place, by_repetition, control, P99), p99_floor),
        intervals=intervals_of([folds[place] for folds in by_repetition.values() if place in folds]),
    )


def intervals_of(repetitions: Sequence[PhaseFold]) -> Intervals:
    """How the headline figures spread over the repetitions that have them."""
    return Intervals(
        p50_ms=spread_of_logs([P50.of(fold) for fold in repetitions]),
        p90_ms=spread_of_logs([P90.of(fold) for fold in repetitions]),
        p99_ms=spread_of_logs([P99.of(fold) for fold in repetitions]),
        mean_ms=spread_of_logs([fold.success.mean_ms() for fold in repetitions]),
        completed_per_s=within(
            spread_of_logs([per_second(fold.completed, fold.duration_s) for fold in repetitions]), 0
        ),
        success_share=within(spread_of([success_share(fold.outcomes) for fold in repetitions]), 0, 1),
    )
