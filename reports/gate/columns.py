"""A column: one metric at one place, a value for each pair, positive where head is worse."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from reports.gate.flips import BoolArray, FloatArray
from reports.gate.model import Place

Sides = tuple[float | None, float | None]
"""Base's and head's figure in one pair."""
Paired = Mapping[int, Sides]
"""Figures by row of the table; a pair without either side has no entry."""


class Scale(StrEnum):
    """What an effect is: the logarithm of a ratio, a share of the mean of both sides, or a plain difference."""

    LOG_RATIO = "log-ratio"
    RELATIVE = "relative"
    DIFFERENCE = "difference"


@dataclass(frozen=True, slots=True)
class Series:
    """A metric at a place."""

    metric: str
    place: Place

    @property
    def name(self) -> str:
        """`target/scenario/phase/route/metric`: what acceptances name."""
        return f"{self.place.name}/{self.metric}"


@dataclass(frozen=True)
class Column:
    """`floor` is what a difference must reach to matter, `limit` what has to be ruled out for a pass.

    Without a limit, `harmless` says whether it passes. `hindrance` names what forbids a pass and an improvement,
    `flattered` what makes an improvement worth nothing. `invalid` is why it cannot be judged at all.
    """

    series: Series
    values: FloatArray
    present: BoolArray
    floor: float
    limit: float | None
    scale: Scale
    unit: str = ""
    base: float | None = None  # means of the sides, to be shown
    head: float | None = None
    harmless: bool = False
    hindrance: str = ""
    flattered: str = ""
    invalid: str = ""


def column(
    series: Series,
    paired: Paired,
    rows: int,
    worse: Callable[[float, float], float],
    *,
    floor: float,
    limit: float | None,
    scale: Scale,
    unit: str = "",
    harmless: bool = False,
    hindrance: str = "",
    flattered: str = "",
    invalid: str = "",
) -> Column | None:
    """The values of `worse(base, head)`; None where no pair has both sides. One side's alone hinders a pass."""
    values, present = np.zeros(rows), np.zeros(rows, dtype=np.bool_)
    known: list[tuple[float, float]] = []
    lacking = [0, 0]
    for row, (base, head) in paired.items():
        if base is not None and head is not None:
            values[row], present[row] = worse(base, head), True
            known.append((base, head))
        elif base is not None or head is not None:
            lacking[0 if base is None else 1] += 1
    if not known:
        return None
    means = np.mean(known, axis=0)
    return Column(
        series, values, present, floor, limit, scale, unit, float(means[0]), float(means[1]), harmless,
        hindrance or _lacks(lacking, len(paired)), flattered, invalid,
    )  # fmt: skip


def _lacks(lacking: list[int], pairs: int) -> str:
    said = [
        f"{side} has no figure of it in {count} of {pairs} pairs"
        for side, count in zip(("base", "head"), lacking, strict=True)
        if count
    ]
    return " and ".join(said)
