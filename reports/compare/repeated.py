"""Repetitions of two runs as the gate's columns: pure. What has no pairs is set beside each other in every way.

Each repetition of A stands beside each of B, so a column's mean is the difference of the runs' means, and what a
repetition differs by from its own run's mean can be read out of it again.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student
from scipy.stats import ttest_ind

from reports.gate.columns import Column
from reports.gate.context import Context, was_late
from reports.gate.counts import count_rows
from reports.gate.errors import error_columns, flattery
from reports.gate.exact import Exact
from reports.gate.flips import FloatArray
from reports.gate.latency import WITH_P90, latency_columns
from reports.gate.model import ALL_ROUTES, Phase, PhaseKind, Stretch
from reports.gate.observing import FIDELITY_MS
from reports.gate.phases import phase_columns

CONFIDENCE = 0.95
MOST_REPETITIONS = 100
"""Of a run that are compared; more would be beside each other in too many ways."""
_OF_PAIRS = frozenset({"generator-lag", "errors"})
"""Metrics that mean something only where base and head ran at once."""


class Unpaired(Context):
    """A phase of one target, repetitions of A in the place of base's and of B in that of head's.

    What either could not be offered in time is left out of what is timed.
    """

    @property
    def timely(self) -> frozenset[int]:
        return frozenset(row for row, sides in self.phases.items() if not any(map(was_late, sides)))

    @property
    def clock_is_invalid(self) -> str:
        return ""


@dataclass(frozen=True)
class Grid:
    """One phase of one target in both runs, with how many repetitions each has of it."""

    context: Unpaired
    of_a: int
    of_b: int


def every_way(target: str, stretch: Stretch, a: Sequence[Phase], b: Sequence[Phase]) -> Grid:
    """Each repetition of A beside each of B, row by row; at most the first hundred of either."""
    a, b = a[:MOST_REPETITIONS], b[:MOST_REPETITIONS]
    rows = {i * len(b) + j: (one, other) for i, one in enumerate(a) for j, other in enumerate(b)}
    return Grid(Unpaired(target, stretch, rows, len(rows), 0, FIDELITY_MS, ""), len(a), len(b))


def side_by_side(target: str, stretch: Stretch, pairs: Mapping[int, tuple[Phase, Phase]]) -> Unpaired:
    """What did run in one block, such as A/A twins: each repetition of the one beside that of the other."""
    rows = dict(enumerate(pairs.values()))
    return Unpaired(target, stretch, rows, len(rows), 0, FIDELITY_MS, "")


def columns_of(context: Context) -> Iterator[Column | Exact]:
    """Those of a gate that need no two sides at once, and p90."""
    made: list[Column | Exact] = [*phase_columns(context, flattery(context, ALL_ROUTES))]
    for route in _common_routes(context):
        flattered = flattery(context, route)
        made += [*error_columns(context, route), *count_rows(context, route, flattered)]
        if context.kind is not PhaseKind.SATURATING:
            made += latency_columns(context, route, flattered, WITH_P90)
    yield from (one for one in made if one.series.metric not in _OF_PAIRS)


def lacking(context: Context, made: Sequence[Column | Exact]) -> Iterator[tuple[str, int, str]]:
    """Percentiles that no repetition of one of the runs has enough requests for: which, how many, and of what."""
    if context.kind is PhaseKind.SATURATING:
        return
    there = {(one.series.metric, one.series.place.route) for one in made}
    for route in _common_routes(context):
        for quantile in WITH_P90:
            if (quantile.metric, route) not in there:
                place = context.place(route)
                yield quantile.metric, quantile.fewest, f"{place.scenario}/{place.target}/{place.phase}/{route}"


def _common_routes(context: Context) -> list[str]:
    asked = [
        {
            route
            for phase in (sides[side] for sides in context.phases.values())
            for route, observed in phase.routes.items()
            if observed.requests > 0
        }
        for side in (0, 1)
    ]
    return sorted(asked[0] & asked[1])


@dataclass(frozen=True, slots=True)
class Spread:
    """By what each run's repetitions differ from their own mean, on a column's scale, and the difference of these
    means.
    """

    effect: float
    a: FloatArray
    b: FloatArray

    def interval(self) -> tuple[float, float] | None:
        """95 % of it, by Welch's t; against a single repetition by where a further one would come. None for one of
        each.
        """
        if min(self.a.size, self.b.size) == 1:
            return self._of_a_single_one()
        if math.isclose(float(np.ptp(self.a)), 0, abs_tol=1e-12) and math.isclose(
            float(np.ptp(self.b)), 0, abs_tol=1e-12
        ):
            return self.effect, self.effect
        found = ttest_ind(self.b, self.a, equal_var=False).confidence_interval(CONFIDENCE)
        return self.effect + float(found.low), self.effect + float(found.high)

    def _of_a_single_one(self) -> tuple[float, float] | None:
        several = self.a if self.a.size > 1 else self.b
        if several.size == 1:
            return None
        reach = float(np.std(several, ddof=1)) * math.sqrt(1 + 1 / several.size)
        half = float(student.ppf((1 + CONFIDENCE) / 2, several.size - 1)) * reach
        return self.effect - half, self.effect + half


def spread_of(column: Column, grid: Grid) -> Spread:
    """Read out of a column of `every_way`."""
    values, there = (table.reshape(grid.of_a, grid.of_b) for table in (column.values, column.present))
    known = values[there.any(axis=1)][:, there.any(axis=0)]
    effect = float(known.mean())
    return Spread(effect, effect - known.mean(axis=1), known.mean(axis=0) - effect)
