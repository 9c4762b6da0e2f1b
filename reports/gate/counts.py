"""What one request costs: counts that are constant are compared exactly, those that vary join the test."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from reports.gate import limits
from reports.gate.columns import Column, Paired, Scale, Series, column
from reports.gate.context import Context, known
from reports.gate.exact import Exact
from reports.gate.verdicts import Verdict

_DIGITS = 9
"""Counts a request are quotients; beyond this they differ by rounding alone."""


def count_rows(context: Context, route: str, flattered: str) -> Iterator[Column | Exact]:
    """One for each count that both sides have of a route."""
    observed = [
        phase.routes[route] for sides in context.phases.values() for phase in sides if route in phase.routes
    ]
    for name in sorted({name for one in observed for name in one.counts}):
        series = Series(name, context.place(route))
        paired = context.of_route(route, lambda one, name=name: one.counts.get(name), clock=False)  # type: ignore[misc]
        exact = None if context.invalid else _constant(series, paired)
        made = exact or _varying(series, paired, context, flattered)
        if made is not None:
            yield made


def _constant(series: Series, paired: Paired) -> Exact | None:
    both = known(paired)
    sides = [{round(values[side], _DIGITS) for values in both} for side in (0, 1)]
    if len(both) < len(paired) or any(len(values) != 1 for values in sides):
        return None
    base, head = sides[0].pop(), sides[1].pop()
    effect = (head - base) / max(abs(base), abs(head)) if head != base else 0.0
    pairs = f"in each of {len(both)} pairs"
    if head == base:
        return Exact(
            series, Verdict.PASS, f"{base:g} a request on both sides {pairs}", base, head, effect, len(both)
        )
    verdict = Verdict.REGRESSED if head > base else Verdict.IMPROVED
    return Exact(
        series, verdict, f"{base:g} a request before and {head:g} now, {pairs}", base, head, effect, len(both)
    )


def _varying(series: Series, paired: Paired, context: Context, flattered: str) -> Column | None:
    values = [value for sides in known(paired) for value in sides]
    mean = float(np.mean(values)) if values else 0.0
    if values and min(values) > 0:
        floor, limit = limits.widened(limits.COUNT_LOG, math.log1p(limits.COUNT_A_REQUEST / mean))
        return column(
            series, paired, context.rows, lambda a, b: math.log(b / a),
            floor=floor, limit=limit, scale=Scale.LOG_RATIO, unit="a request",
            flattered=flattered, invalid=context.invalid,
        )  # fmt: skip
    scale = mean if mean > 0 else 1.0
    floor, limit = limits.widened(limits.COUNT_SHARE, limits.COUNT_A_REQUEST / scale)
    return column(
        series, paired, context.rows, lambda a, b: (b - a) / scale,
        floor=floor, limit=limit, scale=Scale.RELATIVE, unit="a request",
        flattered=flattered, invalid=context.invalid,
    )  # fmt: skip
