"""How requests ended: counts, shares, and errors by kind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from harness.records import Outcome
from reports.summary import ErrorCount


def success_share(outcomes: Mapping[str, int]) -> float | None:
    """Successes among all requests but the aborted ones; None where there is none."""
    ended = sum(count for outcome, count in outcomes.items() if outcome != Outcome.ABORTED)
    return outcomes.get(Outcome.OK, 0) / ended if ended else None


ErrorKey = tuple[str, str, str, str]
"""Phase, operation, outcome, kind."""


def error_counts(counts: Mapping[ErrorKey, int], phase_order: Iterable[str]) -> tuple[ErrorCount, ...]:
    """Every way of ending but success, aborted requests included: by phase, then the most frequent first."""
    place = {name: index for index, name in enumerate(phase_order)}
    ordered = sorted(counts.items(), key=lambda item: (place.get(item[0][0], len(place)), -item[1], item[0]))
    return tuple(
        ErrorCount(phase=phase, operation=operation, outcome=outcome, kind=kind, count=count)
        for (phase, operation, outcome, kind), count in ordered
    )
