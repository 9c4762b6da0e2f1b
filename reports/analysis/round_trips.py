"""Sequential round trips from a ladder of injected latencies: pure.

A request that waits k times in a row for the database takes k milliseconds longer for each millisecond that the
link is slowed by. So k is the slope of p50 over the injected latency, whatever else the request does.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import NormalDist, median

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class RoundTripEstimate:
    """The fitted line p50 = intercept_ms + slope * latency; the slope lies between `low` and `high`."""

    slope: float
    low: float
    high: float
    intercept_ms: float


def estimate_round_trips(
    points: Sequence[tuple[float, float]], confidence: float = CONFIDENCE
) -> RoundTripEstimate:
    """The line through (injected latency in ms, p50 in ms), by Theil and Sen: the median of all pairwise slopes.

    One rung that a busy machine spoilt does not move it. Several points may share a latency (repetitions). The
    interval is Sen's, from the normal approximation of Kendall's S (P. K. Sen, "Estimates of the regression
    coefficient based on Kendall's tau", 1968); with few points it is the whole range of pairwise slopes. Raises
    ValueError where the points have fewer than two different latencies.
    """
    slopes = sorted(
        (after[1] - before[1]) / (after[0] - before[0])
        for before, after in combinations(points, 2)
        if after[0] != before[0]
    )
    if not slopes:
        raise ValueError("round trips need at least two different latencies")
    slope = median(slopes)
    outside = (len(slopes) - _kendall_limit(points, confidence)) / 2
    skip = max(math.floor(outside) - 1, 0)
    return RoundTripEstimate(
        slope=slope,
        low=slopes[skip],
        high=slopes[-1 - skip],
        intercept_ms=median(p50_ms - slope * latency_ms for latency_ms, p50_ms in points),
    )


def _kendall_limit(points: Sequence[tuple[float, float]], confidence: float) -> float:
    """What Kendall's S exceeds, either way, with a probability of one less `confidence` where nothing depends."""
    count = len(points)
    groups = Counter(latency_ms for latency_ms, _ in points).values()
    spread = count * (count - 1) * (2 * count + 5) - sum(size * (size - 1) * (2 * size + 5) for size in groups)
    return NormalDist().inv_cdf((1 + confidence) / 2) * math.sqrt(spread / 18)
