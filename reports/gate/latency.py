"""Latencies of a route: of what succeeded, and where anything failed of all answers too."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from reports.gate import limits
from reports.gate.columns import Column, Scale, Series, column
from reports.gate.context import Context, known
from reports.gate.model import Observed


@dataclass(frozen=True, slots=True)
class Quantile:
    """A percentile, how many requests a side must have for it, and its floor and limit."""

    metric: str
    fewest: int
    bounds: tuple[float, float]
    per_mille: int = 500
    of_all: bool = False

    def read(self, observed: Observed) -> float | None:
        """In milliseconds; None where there are too few."""
        count = observed.requests if self.of_all else observed.requests - observed.errors
        quantiles = observed.answers if self.of_all else observed.successes
        value = {500: quantiles.p50_ms, 900: quantiles.p90_ms, 990: quantiles.p99_ms}[self.per_mille]
        return None if value is None or count < self.fewest else max(value, limits.LEAST_MS)


SUCCESSES = (
    Quantile("p50", limits.FEWEST_FOR_P50, limits.P50),
    Quantile("p99", limits.FEWEST_FOR_P99, limits.P99, per_mille=990),
)
WITH_P90 = (SUCCESSES[0], Quantile("p90", limits.FEWEST_FOR_P90, limits.P90, per_mille=900), SUCCESSES[1])
_ANSWERS = (
    Quantile("p50-of-all", limits.FEWEST_FOR_P50, limits.P50, of_all=True),
    Quantile("p99-of-all", limits.FEWEST_FOR_P99, limits.P99, per_mille=990, of_all=True),
)


def latency_columns(
    context: Context, route: str, flattered: str, successes: Sequence[Quantile] = SUCCESSES
) -> Iterator[Column]:
    """p50 and p99, positive where head is slower, of successes; where a side failed anywhere, of all answers too.

    Quick failures make all answers look fast and slow ones leave the successes; neither shows in both. That the
    second is there depends on errors of either side alike, so flips of signs stay as likely.
    """
    failed = any(head or base for base, head in known(context.of_route(route, lambda one: float(one.errors))))
    for quantile in (*successes, *(_ANSWERS if failed else ())):
        made = _column(context, route, quantile, flattered)
        if made is not None:
            yield made


def left_out(context: Context, route: str) -> Iterator[str]:
    """Percentiles of successes that no pair has on both sides."""
    for quantile in SUCCESSES:
        if not known(context.of_route(route, quantile.read)):
            series = Series(quantile.metric, context.place(route))
            or_all = f", or {limits.FEWEST_OF_ALL_FOR_P99:,} in all" if quantile.per_mille != 500 else ""
            yield f"{series.name}: fewer than {quantile.fewest:,} successes of a pair's side{or_all}"


def _column(context: Context, route: str, quantile: Quantile, flattered: str) -> Column | None:
    paired = context.of_route(route, quantile.read, fewest=quantile.fewest)
    both = known(paired)
    typical_ms = float(np.exp(np.mean(np.log(both)))) if both else 1.0
    fidelity = 0.0 if quantile.per_mille != 500 else math.log1p(context.fidelity_ms / typical_ms)
    floor, limit = limits.widened(quantile.bounds, fidelity)
    return column(
        Series(quantile.metric, context.place(route)), paired, context.rows, lambda a, b: math.log(b / a),
        floor=floor, limit=limit, scale=Scale.LOG_RATIO, unit="ms", flattered=flattered,
        invalid=context.clock_is_invalid,
    )  # fmt: skip
