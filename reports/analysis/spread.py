"""How firm a figure is: its interval over repetitions."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence

from reports.summary import Spread

FEWEST_FOR_INTERVAL = 3

_T_975 = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228)
"""Student's t, 97.5 %, for 1 to 10 degrees of freedom."""
_Z_975 = 1.959964


def student_t_975(freedom: int) -> float:
    """Student's t, 97.5 %: from the table, beyond it by the first terms of Fisher's expansion (to 0.001)."""
    if freedom <= len(_T_975):
        return _T_975[freedom - 1]
    z = _Z_975
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / freedom + second / freedom**2 + third / freedom**3


def spread_of_logs(values: Sequence[float | None]) -> Spread | None:
    """For latencies, rates and ratios: a t interval of the mean logarithm, its ends turned back.

    As for `spread_of` where a value is not positive, and so has no logarithm.
    """
    known = [value for value in values if value is not None]
    if any(value <= 0 for value in known):
        return spread_of(known)
    spread = spread_of([math.log(value) for value in known])
    if spread is None:
        return None
    return Spread(low=math.exp(spread.low), high=math.exp(spread.high), repetitions=spread.repetitions)


def spread_of(values: Sequence[float | None]) -> Spread | None:
    """For shares and counts: a 95 % t interval of the mean of three or more values, or the range of two."""
    known = [value for value in values if value is not None]
    count = len(known)
    if count < 2:
        return None
    low, high = min(known), max(known)
    if count >= FEWEST_FOR_INTERVAL:
        half = student_t_975(count - 1) * statistics.stdev(known) / math.sqrt(count)
        low, high = statistics.fmean(known) - half, statistics.fmean(known) + half
    return Spread(low=low, high=high, repetitions=count)


def within(spread: Spread | None, lowest: float, highest: float = math.inf) -> Spread | None:
    """The spread without what cannot be, such as shares above 1 or counts below 0."""
    if spread is None:
        return None
    clip: Callable[[float], float] = lambda value: min(max(value, lowest), highest)  # noqa: E731
    return spread.model_copy(update={"low": clip(spread.low), "high": clip(spread.high)})
