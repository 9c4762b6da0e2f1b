"""What matters and what passes, metric by metric: floors, limits and the figures behind them."""

from __future__ import annotations

import math

FEWEST_FOR_P50 = 20
FEWEST_FOR_P90 = 50
FEWEST_FOR_P99 = 200
FEWEST_OF_ALL_FOR_P99 = 2000
"""Requests a side, of one pair and of all pairs: twenty beyond the percentile in all. The pair is the unit, and
what one pair's percentile lacks shows in the spread of all.
"""
LEAST_MS = 0.001
"""A microsecond, which no clock here resolves."""
LEAST_PER_S = 0.01
"""One request in a hundred seconds, which is longer than a phase."""
OFFERED_SHARE = 0.99
CENSORED_SHARE = 0.2

P50 = (math.log(1.05), math.log(1.10))
P90 = (math.log(1.10), math.log(1.20))
P99 = (math.log(1.15), math.log(1.30))
THROUGHPUT = (math.log(1.05), math.log(1.10))
CPU = (math.log(1.05), math.log(1.10))
RECOVERY = (math.log(1.2), math.log(1.5))
RECOVERY_BINS = 2
ONSET_STEPS = (1.0, 2.0)
COUNT_LOG = (math.log(1.05), math.log(1.10))
COUNT_SHARE = (0.05, 0.10)
COUNT_A_REQUEST = 0.01
"""One in a hundred requests: counts that differ by less cost nothing that a latency would not show."""
ERROR_SHARE = (0.001, 0.005)
ERROR_SHARE_OF_MEAN = (0.05, 0.10)
ERRORS_THAT_FLATTER = 0.001
"""Where head's share of errors is higher by this, quick answers may be failures, and are no improvement."""
RARE_HINT = 0.05
"""A sign test below this is no alarm, and no pass either."""


def widened(bounds: tuple[float, float], floor: float) -> tuple[float, float]:
    """With `floor` where it is the higher one; the limit widens in proportion, as less cannot be ruled out."""
    factor = max(1.0, floor / bounds[0])
    return bounds[0] * factor, bounds[1] * factor
