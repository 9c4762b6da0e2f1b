"""Sequential round trips, where a scenario climbs a ladder of injected latencies."""

from __future__ import annotations

from collections.abc import Sequence

from reports.analysis.folding import ALL, Observed
from reports.analysis.round_trips import estimate_round_trips
from reports.distribution import Distribution
from reports.summary import RoundTripPoint, RoundTrips
from scenarios.model import Phase, Scenario

FEWEST_RUNGS = 3
FEWEST_ON_RUNG = 5
"""One user who waits for many round trips sends few requests, but under one latency they hardly differ."""
LATENCY = "latency"


def rungs(scenario: Scenario) -> dict[str, float]:
    """Injected milliseconds of each counting phase; empty without three different ones.

    A phase is a rung where it bears one latency without jitter and nothing else, or no fault at all (0 ms).
    """
    found = {}
    for phase in scenario.phases:
        latency_ms = None if phase.warmup else _rung_ms(phase)
        if latency_ms is not None:
            found[phase.name] = latency_ms
    return found if len(set(found.values())) >= FEWEST_RUNGS else {}


def _rung_ms(phase: Phase) -> float | None:
    if not phase.faults:
        return 0.0
    settings = phase.faults[0].settings
    if len(phase.faults) > 1 or phase.faults[0].kind != LATENCY or settings.get("jitter_ms", 0):
        return None
    latency_ms = settings.get("latency_ms")
    return float(latency_ms) if isinstance(latency_ms, int | float) else None


def round_trips(scenario: Scenario, observed: Sequence[Observed]) -> tuple[RoundTrips, ...]:
    """One for each operation with successes on three rungs or more; nothing for a scenario without a ladder.

    Under a fault only requests that were sent wholly inside its window count.
    """
    ladder = rungs(scenario)
    operations = dict.fromkeys(
        operation
        for one in observed
        for phase, operation in sorted(one.fold.phases)
        if phase in ladder and operation != ALL
    )
    results = []
    for operation in operations:
        points = [
            point
            for one in observed
            for phase, latency_ms in ladder.items()
            for point in _points(one, phase, latency_ms, operation)
        ]
        if len({point.latency_ms for point in points}) >= FEWEST_RUNGS:
            line = estimate_round_trips([(point.latency_ms, point.p50_ms) for point in points])
            results.append(
                RoundTrips(
                    operation=operation,
                    slope=line.slope,
                    low=line.low,
                    high=line.high,
                    intercept_ms=line.intercept_ms,
                    points=tuple(points),
                )
            )
    return tuple(results)


def _points(one: Observed, phase: str, latency_ms: float, operation: str) -> list[RoundTripPoint]:
    successes = Distribution()
    if latency_ms:
        for window in one.fold.windows:
            if window.span.phase == phase and operation in window.successes:
                successes.merge(window.successes[operation])
    elif (phase, operation) in one.fold.phases:
        successes.merge(one.fold.phases[phase, operation].success)
    p50_ms = successes.quantiles_ms(500)[0]
    if p50_ms is None or successes.total < FEWEST_ON_RUNG:
        return []
    return [
        RoundTripPoint(
            phase=phase,
            repetition=one.repetition,
            latency_ms=latency_ms,
            p50_ms=p50_ms,
            requests=successes.total,
        )
    ]
