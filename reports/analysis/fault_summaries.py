"""All injections of one kind in one phase, over all repetitions."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from reports.analysis.windows import Window
from reports.distribution import merged
from reports.summary import FaultSummary


def fault_summaries(windows: Sequence[Window]) -> tuple[FaultSummary, ...]:
    """One for each phase and kind, in the order of injection."""
    groups: dict[tuple[str, str], list[Window]] = {}
    for window in windows:
        groups.setdefault((window.span.phase, window.span.kind), []).append(window)
    return tuple(_summary(group) for group in groups.values())


def _summary(windows: Sequence[Window]) -> FaultSummary:
    results = [window.result for window in windows]
    success = merged(part for window in windows for part in window.successes.values())
    failure = merged(window.failures for window in windows)
    recovered_ms = [result.recovery_ms for result in results if result.recovery_ms is not None]
    heal_late_ms = [result.heal_late_ms for result in results if result.heal_late_ms is not None]
    return FaultSummary(
        phase=results[0].phase,
        kind=results[0].kind,
        windows=len(results),
        repetitions=len({result.repetition for result in results}),
        requests=sum(result.requests for result in results),
        success=success.latency(),
        failure=failure.latency(),
        answered_inside=sum(result.answered_inside for result in results),
        error_share=failure.total / (failure.total + success.total) if failure.total + success.total else None,
        recovered=len(recovered_ms),
        recovery_min_ms=min(recovered_ms, default=None),
        recovery_median_ms=statistics.median(recovered_ms) if recovered_ms else None,
        recovery_max_ms=max(recovered_ms, default=None),
        inject_late_max_ms=max(result.inject_late_ms for result in results),
        heal_late_max_ms=max(heal_late_ms, default=None),
    )
