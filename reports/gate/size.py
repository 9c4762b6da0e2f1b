"""How many pairs a gate needs, and which gates could never fail."""

from __future__ import annotations

import math

from scipy.stats import norm

from harness.errors import PlanError
from reports.gate.looks import ALPHA, Look

POWER = 0.95
EFFECT = math.log(1.10)
"""The logarithm of the ratio that is to be found."""


def fewest_pairs(alpha: float = ALPHA) -> int:
    """Below this number of pairs no result is rare enough: the smallest p of a sign-flip test is 2^-n."""
    return math.ceil(-math.log2(alpha))


def pairs_needed(
    sigma: float, metrics: int, *, alpha: float = ALPHA, power: float = POWER, effect: float = EFFECT
) -> int:
    """Pairs in which `effect` is found with `power` where D has the standard deviation `sigma`.

    n = ((z(1 - alpha/m) + z(power)) sigma / effect)^2 + z(1 - alpha/m)^2 / 2, with normal quantiles z, the second
    term for the unknown deviation (Guenther 1981, for the t test). Raises PlanError for what is out of range.
    """
    if not (
        sigma >= 0 and math.isfinite(sigma) and metrics >= 1 and 0 < power < 1 and 0 < alpha < 1 and effect > 0
    ):
        raise PlanError(
            "the number of pairs needs a deviation of 0 or more, a metric, and a power between 0 and 1"
        )
    z_alpha, z_power = float(norm.isf(alpha / metrics)), float(norm.isf(1 - power))
    wanted = ((z_alpha + z_power) * sigma / effect) ** 2 + z_alpha**2 / 2
    return max(math.ceil(wanted), fewest_pairs(alpha))


def effect_found(
    sigma: float, metrics: int, pairs: int, *, alpha: float = ALPHA, power: float = POWER
) -> float | None:
    """The same formula for the effect: what so many pairs find with `power`; None where they find none."""
    z_alpha, z_power = float(norm.isf(alpha / metrics)), float(norm.isf(1 - power))
    left = pairs - z_alpha**2 / 2
    if left <= 0 or pairs < fewest_pairs(alpha):
        return None
    return (z_alpha + z_power) * sigma / math.sqrt(left)


def refuse_what_cannot_fail(pairs: int, look: Look = Look.ONLY) -> None:
    """Raise PlanError where not even a regression in each pair would be rare enough by chance."""
    fewest = fewest_pairs(look.alpha)
    if pairs < fewest:
        raise PlanError(
            f"a gate of {pairs} pairs could never fail: by chance all point the same way once in "
            f"{2 ** max(pairs, 0):,} runs, and it may be wrong once in {round(1 / look.alpha):,}; "
            f"ask for {fewest} pairs or more"
        )
