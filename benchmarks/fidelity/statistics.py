"""Percentiles, and medians over rounds with an interval: pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

CONFIDENCE = 0.9


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with the interval it lies in; `of` is the number of rounds behind it."""

    value: float
    low: float
    high: float
    of: int = 1

    @classmethod
    def exact(cls, value: float) -> Estimate:
        """A value that was counted, or measured once: its interval is itself."""
        return cls(value, value, value)


def percentile(values: Sequence[float], per_cent: float) -> float:
    """Nearest rank: the smallest value that `per_cent` of all do not exceed. Raises ValueError for none."""
    if not values:
        raise ValueError("no values")
    rank = max(math.ceil(len(values) * per_cent / 100 - 1e-9), 1)
    return sorted(values)[rank - 1]


def share_above(values: Sequence[float], limit: float) -> float:
    """The share of values above `limit`, from 0 to 1. Raises ValueError for none."""
    if not values:
        raise ValueError("no values")
    return sum(value > limit for value in values) / len(values)


def median(values: Sequence[float]) -> float:
    """The middle, or the mean of the two middles. Raises ValueError for none."""
    if not values:
        raise ValueError("no values")
    ordered = sorted(values)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def median_estimate(values: Sequence[float]) -> Estimate:
    """The median over rounds, and the order statistics between which the true one lies with 90 % confidence.

    Distribution-free: the true median is above k of n independent values with binomial odds. Fewer than five
    values cannot give 90 %; then the interval is their whole range.
    """
    ordered = sorted(values)
    skip = _outside(len(ordered))
    return Estimate(median(ordered), ordered[skip], ordered[-1 - skip], len(ordered))


def _outside(count: int) -> int:
    """How many order statistics may be left out at either end with the confidence that is wanted."""
    skip, tail = 0, 0.0
    for below in range(count // 2):
        tail += math.comb(count, below) / 2**count
        if 2 * tail > 1 - CONFIDENCE:
            break
        skip = below
    return skip
