"""sigma_D of each metric: how far the differences of pairs scatter about their gate's mean. Pure."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import bootstrap

from harness.records import Noise
from reports.calibration.bounds import CONFIDENCE
from reports.gate.columns import Column
from reports.gate.flips import FloatArray

FEWEST_GATES = 5
"""For an interval: gates of one hour are more like one another than like those of the next, so that the gate is
the unit, and of fewer none can be told.
"""
RESAMPLES = 9_999
SEED = 1


@dataclass(frozen=True, slots=True)
class _Share:
    """What one gate has to say of a metric: squares about its own mean, degrees of freedom, sum and pairs."""

    squares: float
    freedom: int
    total: float
    pairs: int


def noise_of(gates: Iterable[Sequence[Column]]) -> tuple[Noise, ...]:
    """Each metric that at least one gate has two pairs of; of a planted shift the mean is taken out."""
    shares: dict[str, list[_Share]] = defaultdict(list)
    last: dict[str, Column] = {}
    for columns in gates:
        for column in columns:
            seen = column.values[column.present]
            if seen.size > 1 and not column.invalid:
                shares[column.series.name].append(_share(seen))
                last[column.series.name] = column
    return tuple(_noise(last[name], of) for name, of in shares.items())


def _share(seen: FloatArray) -> _Share:
    return _Share(float(np.square(seen - seen.mean()).sum()), seen.size - 1, float(seen.sum()), seen.size)


def _noise(column: Column, of: Sequence[_Share]) -> Noise:
    squares, freedom = np.array([one.squares for one in of]), np.array([float(one.freedom) for one in of])
    sigma = _sigma(squares, freedom)
    low, high = _between(squares, freedom) if len(of) >= FEWEST_GATES and sigma > 0 else (None, None)
    pairs = sum(one.pairs for one in of)
    return Noise(
        name=column.series.name,
        metric=column.series.metric,
        scale=column.scale,
        sigma=sigma,
        low=low,
        high=high,
        mean=sum(one.total for one in of) / pairs,
        pairs=pairs,
        gates=len(of),
        floor=column.floor,
        limit=column.limit,
    )


def _sigma(squares: FloatArray, freedom: FloatArray) -> float:
    return math.sqrt(float(squares.sum()) / float(freedom.sum()))


def _between(squares: FloatArray, freedom: FloatArray) -> tuple[float, float]:
    """Over gates drawn anew, by scipy; percentiles, as a few noisy gates make the distribution lopsided."""

    def sigma(squares: FloatArray, freedom: FloatArray, axis: int = -1) -> FloatArray:
        result: FloatArray = np.sqrt(squares.sum(axis=axis) / freedom.sum(axis=axis))
        return result

    found = bootstrap(
        (squares, freedom), sigma, paired=True, vectorized=True, n_resamples=RESAMPLES,
        confidence_level=CONFIDENCE, method="percentile", rng=np.random.default_rng(SEED),
    )  # fmt: skip
    return float(found.confidence_interval.low), float(found.confidence_interval.high)
