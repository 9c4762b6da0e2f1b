"""Where the mean response time of successes goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from harness.records import Measure
from reports.analysis.folding import Folds, PhaseFold, merge_folds
from reports.analysis.latency import places_of
from reports.analysis.spread import spread_of_logs
from reports.distribution import Distribution
from reports.summary import Breakdown, PartTime
from scenarios.model import Phase, Scenario

FEWEST_FOR_PART = 5
"""Requests for a median: under one latency they hardly differ, and one user sends few."""
_PARTS: tuple[Literal["acquire", "connect", "ping", "query"], ...] = ("acquire", "connect", "ping", "query")


def breakdowns(scenario: Scenario, by_repetition: Mapping[int, Folds]) -> tuple[Breakdown, ...]:
    """One for each phase and operation in which any Server-Timing was believed."""
    whole = merge_folds(by_repetition.values())
    found = []
    for phase, operation in places_of(scenario, whole):
        place = (phase.name, operation)
        means_ms = [folds[place].success.mean_ms() for folds in by_repetition.values() if place in folds]
        one = _breakdown(phase, operation, whole[place], means_ms)
        if one is not None:
            repetitions = [folds[place] for folds in by_repetition.values() if place in folds]
            found.append(one.model_copy(update={"parts": _parts(whole[place], repetitions)}))
    return tuple(found)


def believed(fold: PhaseFold) -> int:
    """How many successes had a Server-Timing that was believed: every such header tells one of these at least."""
    return max((part.total for part in fold.parts.values()), default=0)


def _breakdown(
    phase: Phase, operation: str, fold: PhaseFold, means_ms: Sequence[float | None]
) -> Breakdown | None:
    count = believed(fold)
    mean_ms, service_ms = fold.success.mean_ms(), fold.service.mean_ms()
    if not count or mean_ms is None or service_ms is None:
        return None
    acquire_ms, connect_ms, ping_ms, query_ms = (
        _mean_over(fold.parts.get(measure), count)
        for measure in (Measure.ACQUIRE, Measure.CONNECT, Measure.PING, Measure.QUERY)
    )
    # The counters' middles round either way, so nothing may come out as a little less than nothing.
    lag_ms = max(mean_ms - service_ms, 0.0)
    queue_ms = max(acquire_ms - connect_ms - ping_ms, 0.0)
    return Breakdown(
        phase=phase.name,
        operation=operation,
        warmup=phase.warmup,
        requests=fold.success.total,
        believed_share=min(count / fold.success.total, 1.0),
        mean_ms=mean_ms,
        lag_ms=lag_ms,
        queue_ms=queue_ms,
        connect_ms=connect_ms,
        ping_ms=ping_ms,
        query_ms=query_ms,
        rest_ms=mean_ms - lag_ms - queue_ms - connect_ms - ping_ms - query_ms,
        mean_interval=spread_of_logs(means_ms),
    )


def _parts(whole: PhaseFold, repetitions: Sequence[PhaseFold]) -> tuple[PartTime, ...]:
    return tuple(
        PartTime(
            of=of,
            count=part.total,
            p50_ms=_p50_ms(part),
            p50_interval=spread_of_logs([_p50_ms(fold.parts.get(Measure(of))) for fold in repetitions]),
        )
        for of in _PARTS
        if (part := whole.parts.get(Measure(of))) is not None
    )


def _p50_ms(part: Distribution | None) -> float | None:
    return part.quantiles_ms(500)[0] if part is not None and part.total >= FEWEST_FOR_PART else None


def _mean_over(part: Distribution | None, requests: int) -> float:
    """Mean over all believed requests; one that does not name the part did not spend time on it."""
    mean_ms = part.mean_ms() if part is not None else None
    return 0.0 if part is None or mean_ms is None else mean_ms * part.total / requests
