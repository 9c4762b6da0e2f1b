"""Which effect a gate can find, metric by metric, at the noise that is known: pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from scipy.stats import norm

from harness.records import CalibrationKind, Noise, StandsOn
from reports.gate import limits
from reports.gate.columns import Scale
from reports.gate.looks import Look
from reports.gate.size import POWER, effect_found, pairs_needed

USUAL_FAMILY = 26
"""Figures that a gate of a standard target tests together, until a calibration tells."""
FIRST_READINGS = tuple(
    Noise(name=metric, metric=metric, scale=Scale.LOG_RATIO, sigma=sigma, mean=0.0, pairs=12, gates=1,
          floor=bounds[0], limit=bounds[1])
    for metric, sigma, bounds in (("p50", 0.057, limits.P50), ("p99", 0.129, limits.P99))
)  # fmt: skip
"""sigma_D of 12 pairs of sync-pool against itself, 8 s at once, on two shared cores of another machine."""


@dataclass(frozen=True, slots=True)
class Promise:
    """A metric at its noisiest place: the effect that `pairs` find in 95 of 100 gates, None for none at all, and
    how many pairs would find one of the size of its limit.
    """

    metric: str
    sigma: float
    finds: float | None
    limit: float
    pairs_wanted: int

    @property
    def is_kept(self) -> bool:
        """Whether a loss as large as must be ruled out would be found."""
        return self.finds is not None and self.finds <= self.limit


def last_look(pairs: Sequence[int]) -> Look:
    """The look that has all pairs."""
    return Look.ONLY if len(set(pairs)) == 1 else Look.FINAL


def promises(pairs: Sequence[int], noise: Sequence[Noise], family: int) -> tuple[Promise, ...]:
    """For each metric that is a ratio and has a limit, by the formula of `reports.gate.size`."""
    found: dict[str, Promise] = {}
    for one in noise:
        if one.scale != Scale.LOG_RATIO or not one.limit or one.sigma <= 0 or one.metric.endswith("-of-all"):
            continue
        promise = _promise(one, one.limit, pairs[-1], last_look(pairs), max(family, 1))
        if one.metric not in found or _size(promise) > _size(found[one.metric]):
            found[one.metric] = promise
    return tuple(found.values())


def _promise(noise: Noise, limit: float, pairs: int, look: Look, family: int) -> Promise:
    margin = float(norm.isf(1 - POWER)) * noise.sigma
    finds = effect_found(noise.sigma, family, pairs, alpha=look.alpha)
    return Promise(
        metric=noise.metric,
        sigma=noise.sigma,
        finds=None if finds is None else max(finds, noise.floor + margin / math.sqrt(pairs)),
        limit=limit,
        pairs_wanted=max(
            pairs_needed(noise.sigma, family, alpha=look.alpha, effect=limit),
            math.ceil((margin / (limit - noise.floor)) ** 2) if limit > noise.floor else 0,
        ),
    )


def _size(promise: Promise) -> float:
    """By how much a metric's limit is missed, or nearly."""
    return math.inf if promise.finds is None else promise.finds / promise.limit


def promise_lines(pairs: Sequence[int], stands_on: Sequence[StandsOn]) -> Iterator[str]:
    """What a gate of so many pairs can find, and which metrics it refuses to promise anything of; by the noise of
    equal sides, as a slow link hides noise.
    """
    known = next((one for one in stands_on if one.noise and one.kind is CalibrationKind.AA), None)
    noise, family = (known.noise, known.family) if known else (FIRST_READINGS, USUAL_FAMILY)
    found = promises(pairs, noise, family)
    of = _of(known)
    kept = [one for one in found if one.is_kept]
    if kept:
        told = ", ".join(f"{_per_cent(one.finds)} of {one.metric}" for one in kept)
        yield f"finds in 95 of 100 gates, by {pairs[-1]} pairs at {of}: {told}"
    if left := [one for one in found if not one.is_kept]:
        told = ", ".join(_why_not(one) for one in left)
        yield f"promises nothing, by {pairs[-1]} pairs at {of}, of {told}; see --pairs"


def _why_not(one: Promise) -> str:
    missed = "any loss" if one.finds is None else f"less than {_per_cent(one.finds)}"
    return (
        f"{one.metric} (may miss {missed}, and {_per_cent(one.limit)} is its limit; {one.pairs_wanted:,} pairs "
        "would do)"
    )


def _of(known: StandsOn | None) -> str:
    if known is None:
        return "the noise of first readings on another machine"
    return f"the noise of {known.calibration_id}" + ("" if known.same_machine else ", of another machine")


def _per_cent(effect: float | None) -> str:
    if effect is None:
        return ""
    value = 100 * math.expm1(min(effect, 50.0))
    return f"{value:.2g} %" if value < 10 else f"{value:,.0f} %"
