"""Bounds of a rate that was counted, by Clopper and Pearson."""

from __future__ import annotations

from scipy.stats import binomtest

CONFIDENCE = 0.95


def at_most(count: int, of: int) -> float:
    """The rate that is ruled out from above: one-sided, 95 %. 1 of 473 is below 1 %."""
    found = binomtest(count, of, alternative="less").proportion_ci(CONFIDENCE, method="exact")
    return float(found.high)


def at_least(count: int, of: int) -> float:
    """The rate that is ruled out from below: one-sided, 95 %. 59 of 59 is above 95 %."""
    found = binomtest(count, of, alternative="greater").proportion_ci(CONFIDENCE, method="exact")
    return float(found.low)


def between(count: int, of: int) -> tuple[float, float]:
    """Both ends, two-sided, 95 %."""
    found = binomtest(count, of).proportion_ci(CONFIDENCE, method="exact")
    return float(found.low), float(found.high)
