"""Sign flips of whole pairs, jointly over all columns: the one test behind alarms and intervals.

Where base and head do not differ, the two sides of a pair could have been named the other way round, so each flip
of signs of D is as likely as what was seen, however metrics hang together and whatever they are distributed like.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import permutation_test

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

RESAMPLES = 2**17
EXACT_PAIRS = 17
"""Up to here all flips are enumerated."""
_BATCH = 2**13
_COLUMNS = 32
_TIE = 1e-9
"""Statistics nearer than this are equal: sums in another order differ in their last digits."""


@dataclass(frozen=True)
class Table:
    """Paired values, a row a pair and a column a metric; `values` is 0 where `present` is False."""

    values: FloatArray
    present: BoolArray

    @property
    def scale(self) -> FloatArray:
        """What sums of a column are divided by; flips don't change it. 1 for a column of zeros.

        All pairs count, those without a value too. A column of one value would be as far out as it can be under
        half of all flips, and nothing of the whole family could be told any more.
        """
        squares = self.values.shape[0] * np.square(self.values).sum(axis=0)
        return np.where(squares > 0, np.sqrt(squares), 1.0)

    @property
    def statistics(self) -> FloatArray:
        """r = mean(D) / sqrt(mean(D^2)) of each column: between -1 and 1, monotone in Student's t, 0 for zeros.

        Of a column with k values among n pairs at most sqrt(k / n): what is seldom seen is seldom told.
        """
        result: FloatArray = self.values.sum(axis=0) / self.scale
        return result


@dataclass(frozen=True)
class Null:
    """The largest statistic of any column under flips. Where they were drawn, what was seen counts as one more."""

    largest: FloatArray
    exact: bool

    def adjusted_p(self, statistics: FloatArray) -> FloatArray:
        """The share of flips whose largest statistic reaches each of these (max-T, Westfall and Young 1993)."""
        below = np.searchsorted(np.sort(self.largest), statistics - _TIE, side="left")
        extra = 0 if self.exact else 1
        result: FloatArray = (self.largest.size - below + extra) / (self.largest.size + extra)
        return result

    def critical(self, alpha: float) -> float:
        """The statistic from which p is at most `alpha`, nearly; 1 where none is."""
        return min(1.0, float(np.quantile(self.largest, 1 - alpha, method="higher")))


def null_of_largest(table: Table, seed: int, resamples: int = RESAMPLES) -> Null:
    """By scipy's permutation test of a vector of ones, whose flips are the signs of the pairs."""
    pairs = table.values.shape[0]
    scaled = table.values / table.scale

    def largest(signs: FloatArray, axis: int = -1) -> FloatArray:
        return np.max(np.moveaxis(signs, axis, -1) @ scaled, axis=-1)  # type: ignore[no-any-return]

    result = permutation_test(
        (np.ones(pairs),), largest, permutation_type="samples", vectorized=True, n_resamples=resamples,
        batch=_BATCH, alternative="greater", axis=-1, rng=np.random.default_rng(seed),
    )  # fmt: skip
    return Null(np.asarray(result.null_distribution, dtype=np.float64), exact=2**pairs <= resamples)


@dataclass(frozen=True)
class Flips:
    """Which pairs are flipped, a row a flip, 1 or 0. `exact` where all 2^n are there, that of no pair included."""

    flipped: FloatArray
    exact: bool

    @classmethod
    def of(cls, pairs: int, seed: int, resamples: int = RESAMPLES) -> Flips:
        """All flips where there are at most `resamples`, else as many drawn from `seed`."""
        if 2**pairs <= resamples:
            every = np.arange(2**pairs)[:, np.newaxis] >> np.arange(pairs) & 1
            return cls(every.astype(np.float64), exact=True)
        drawn = np.random.default_rng(seed).integers(0, 2, size=(resamples, pairs))
        return cls(drawn.astype(np.float64), exact=False)

    def null_of_largest(self, table: Table) -> Null:
        """As scipy's, from these flips: for simulations, in which they serve many tables."""
        scaled = table.values / table.scale
        largest = np.full(self.flipped.shape[0], -np.inf)
        for some in _slices(scaled.shape[1]):
            statistics = (-2 * scaled[:, some].T) @ self.flipped.T + scaled[:, some].sum(axis=0)[:, np.newaxis]
            np.maximum(largest, statistics.max(axis=0), out=largest)
        return Null(largest, self.exact)

    def intervals(self, table: Table, level: float) -> tuple[FloatArray, FloatArray]:
        """For each column the effects that a one-sided sign-flip test at `level` rejects on neither side.

        Of D shifted by an effect, a flip reaches what was seen exactly where the mean of the flipped values is no
        greater than the effect. So the ends are order statistics of the means of subsets (Hartigan 1969, typical
        values), infinite where there are too few pairs for the level.
        """
        count = self.flipped.shape[0]
        skipped = math.floor(level * count + _TIE) if self.exact else math.floor(level * (count + 1) + _TIE) - 1
        columns = table.values.shape[1]
        low, high = np.full(columns, -np.inf), np.full(columns, np.inf)
        if skipped < 0:
            return low, high
        for some in _slices(columns):
            sizes = table.present[:, some].T.astype(np.float64) @ self.flipped.T
            sums = table.values[:, some].T @ self.flipped.T
            for at, (size, total) in enumerate(zip(sizes, sums, strict=True), some.start):
                low[at], high[at] = _ends(size, total, skipped)
        return low, high


def _ends(sizes: FloatArray, sums: FloatArray, skipped: int) -> tuple[float, float]:
    """The means that leave `skipped` flips beyond them; a flip of no pair is beyond both ends."""
    some = sizes > 0
    means = sums / sizes if some.all() else sums[some] / sizes[some]
    lowest = skipped - (sizes.size - means.size)
    if lowest < 0:
        return -math.inf, math.inf
    ends = np.partition(means, (lowest, means.size - 1 - lowest))
    return float(ends[lowest]), float(ends[means.size - 1 - lowest])


def _slices(columns: int) -> list[slice]:
    """Few columns at a time, for the memory's sake."""
    return [slice(at, min(at + _COLUMNS, columns)) for at in range(0, columns, _COLUMNS)]
