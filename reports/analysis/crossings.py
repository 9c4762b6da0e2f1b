"""Where along a ladder a claimed range holds: pure.

A figure is known as an interval on each rung, so that a claim on it holds, fails or is undecided there, and where
it turns is known as an interval as well: between the nearest two rungs that were decided differently.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Literal


class Standing(StrEnum):
    """How a claim stands on a rung."""

    HOLDS = "holds"  # the whole interval lies within what was claimed
    FAILS = "fails"  # the whole interval lies outside, on one side
    UNDECIDED = "undecided"  # it reaches across an end of what was claimed


@dataclass(frozen=True, slots=True)
class Rung:
    """A figure at one place `x` of a ladder: somewhere between `low` and `high`, most likely `value`.

    Raises ValueError where these are no numbers, or not in that order.
    """

    x: float
    value: float
    low: float
    high: float

    def __post_init__(self) -> None:
        numbers = (self.x, self.value, self.low, self.high)
        if not all(map(math.isfinite, numbers)) or not self.low <= self.value <= self.high:
            raise ValueError(f"a rung needs low <= value <= high, all of them finite, not {numbers}")


@dataclass(frozen=True, slots=True)
class Claimed:
    """A closed range; either end may be infinite. Raises ValueError for an empty one."""

    low: float = -math.inf
    high: float = math.inf

    def __post_init__(self) -> None:
        if not self.low <= self.high:
            raise ValueError(f"a claimed range needs low <= high, not {self.low} and {self.high}")

    def standing(self, rung: Rung) -> Standing:
        """How the claim stands there."""
        if self.low <= rung.low and rung.high <= self.high:
            return Standing.HOLDS
        return Standing.FAILS if rung.high < self.low or rung.low > self.high else Standing.UNDECIDED


@dataclass(frozen=True, slots=True)
class Crossing:
    """Somewhere between two rungs the claim begins to hold (`above` it does) or ceases to (`below` it does)."""

    low: float
    high: float
    holds: Literal["above", "below"]


@dataclass(frozen=True, slots=True)
class ClaimAlongLadder:
    """How a claim stands on each rung, by ascending `x`, and where it turns."""

    rungs: tuple[Rung, ...]
    standings: tuple[Standing, ...]
    crossings: tuple[Crossing, ...]

    def places(self, standing: Standing) -> tuple[float, ...]:
        """The rungs on which it stands like that."""
        return tuple(rung.x for rung, found in zip(self.rungs, self.standings, strict=True) if found is standing)


def along_ladder(rungs: Iterable[Rung], claimed: Claimed) -> ClaimAlongLadder:
    """Hold a claim against each rung, in any order. Raises ValueError where two have the same place."""
    ordered = tuple(sorted(rungs, key=lambda rung: rung.x))
    if any(before.x == after.x for before, after in pairwise(ordered)):
        raise ValueError("two rungs have the same place on the ladder")
    standings = tuple(claimed.standing(rung) for rung in ordered)
    return ClaimAlongLadder(ordered, standings, _crossings(ordered, standings))


def _crossings(rungs: Sequence[Rung], standings: Sequence[Standing]) -> tuple[Crossing, ...]:
    decided = [
        (rung.x, standing)
        for rung, standing in zip(rungs, standings, strict=True)
        if standing is not Standing.UNDECIDED
    ]
    return tuple(
        Crossing(low, high, "above" if after is Standing.HOLDS else "below")
        for (low, before), (high, after) in pairwise(decided)
        if before is not after
    )
