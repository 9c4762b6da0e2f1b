"""A target's percentiles over another's, paired by repetition."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reports.analysis.folding import Folds, PhaseFold, Place
from reports.analysis.spread import spread_of_logs
from reports.distribution import FEWEST_FOR_P90, FEWEST_FOR_P99
from reports.summary import Ratio


@dataclass(frozen=True, slots=True)
class Quantile:
    """A percentile of successes, and how many of them a repetition must have for it to count."""

    per_mille: int
    fewest: int

    def of(self, fold: PhaseFold | None) -> float | None:
        """In milliseconds; None where there are too few successes."""
        if fold is None or fold.success.total < self.fewest:
            return None
        return fold.success.quantiles_ms(self.per_mille)[0]


P50 = Quantile(500, 20)
P90 = Quantile(900, FEWEST_FOR_P90)
P99 = Quantile(990, FEWEST_FOR_P99)


def paired_ratios(
    place: Place, own: Mapping[int, Folds], other: Mapping[int, Folds], quantile: Quantile
) -> list[float]:
    """One ratio for each repetition that both targets completed with enough successes."""
    pairs = [
        (quantile.of(own[repetition].get(place)), quantile.of(other[repetition].get(place)))
        for repetition in sorted(own.keys() & other.keys())
    ]
    return [above / below for above, below in pairs if above and below]


def ratio_of(ratios: Sequence[float], noise: float | None = None) -> Ratio | None:
    """Median, smallest and largest of the repetitions' ratios, held against the noise floor where it is known.

    A median outside it is no difference either where the interval over repetitions leaves open which way it goes.
    """
    if not ratios:
        return None
    median = statistics.median(ratios)
    interval = spread_of_logs(ratios)
    outside = noise is not None and abs(math.log(median)) > math.log(noise)
    undecided = interval is not None and interval.low <= 1 <= interval.high
    return Ratio(
        median=median,
        low=min(ratios),
        high=max(ratios),
        repetitions=len(ratios),
        interval=interval,
        noise=noise,
        beyond_noise=None if noise is None else outside and not undecided,
    )
