"""A kept gate -> how it ended, and whether what was planted in its head was there. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from harness.records import GateOutcome, Plant
from reports.calibration.kept import KeptGate
from reports.gate.columns import Column
from reports.gate.context import is_whole
from reports.gate.model import ALL_ROUTES, Measured, Observed, PhaseKind
from reports.gate.verdicts import Verdict

STATEMENTS = "statements"
ROUND_TRIPS = "round trips"
HALF = 0.5
"""A latency that was planted is there where requests take at least this share of it longer."""


@dataclass(frozen=True, slots=True)
class _Achieved:
    """What one request was to have more of, what it had, and whether that is proof enough."""

    planted: float
    achieved: float
    proved: bool


def outcome_of(kept: KeptGate, columns: Sequence[Column], plant: Plant | None) -> GateOutcome:
    """`columns` are those that its test was given."""
    result, seen = kept.report.result, kept.measured()
    achieved = _achieved(seen, plant) if plant is not None else None
    steal = [
        share
        for pair in seen.pairs
        for share in (pair.base.steal_share, pair.head.steal_share)
        if share is not None
    ]
    return GateOutcome(
        number=kept.number,
        seed=kept.seed,
        verdict=result.verdict,
        worse=tuple(row.name for row in result.rows if row.verdict in (Verdict.BROKEN, Verdict.REGRESSED)),
        pairs=result.pairs,
        look=2 if result.look == "final" else 1,
        took_s=kept.took_s or kept.report.took_s or 0.0,
        steal_share=float(np.mean(steal)) if steal else None,
        shift=_shift(columns),
        planted=achieved and achieved.planted,
        achieved=achieved and achieved.achieved,
        proved=achieved and achieved.proved,
    )


def _shift(columns: Sequence[Column]) -> float | None:
    found = [
        float(one.values[one.present].mean())
        for one in columns
        if one.series.metric == "p50" and one.series.place.route == ALL_ROUTES and one.present.any()
    ]
    return float(np.mean(found)) if found else None


def _achieved(seen: Measured, plant: Plant) -> _Achieved | None:
    routes = list(_routes(seen))
    if plant.kind == "statement":
        counted = [(base, head) for base, head in routes if STATEMENTS in base and STATEMENTS in head]
        more = [head[STATEMENTS] - base[STATEMENTS] for base, head in counted]
        return _Achieved(1.0, float(np.mean(more)), min(more) > 0) if more else None
    each_ms = plant.head_latency_ms - plant.base_latency_ms
    both = [
        (each_ms * max(1.0, base.get(ROUND_TRIPS, 1.0)), head["p50"] - base["p50"])
        for base, head in routes
        if "p50" in base and "p50" in head
    ]
    if not both:
        return None
    planted = float(np.mean([wanted for wanted, _ in both]))
    achieved = planted * float(np.median([later / wanted for wanted, later in both]))  # one stall is not the link
    return _Achieved(planted, achieved, achieved >= HALF * planted)


def _routes(seen: Measured) -> Iterator[tuple[Mapping[str, float], Mapping[str, float]]]:
    """What each route of each pair cost on both sides, and how long it took, by name."""
    for pair in seen.pairs:
        if not is_whole(pair):
            continue
        for stretch, base in pair.base.phases.items():
            head = pair.head.phases.get(stretch)
            if head is None or base.kind is not PhaseKind.STEADY:
                continue
            for route in base.routes.keys() & head.routes.keys() - {ALL_ROUTES}:
                yield _figures(base.routes[route]), _figures(head.routes[route])


def _figures(observed: Observed) -> dict[str, float]:
    p50_ms = observed.successes.p50_ms
    return {**observed.counts, **({} if p50_ms is None else {"p50": p50_ms})}
