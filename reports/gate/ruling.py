"""Columns -> rulings: the verdict of each metric, by one test over all of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from reports.gate.columns import Column
from reports.gate.flips import Flips, FloatArray, Null, Table
from reports.gate.looks import Look
from reports.gate.size import POWER
from reports.gate.verdicts import Verdict

_ROUNDING = 1e-12
_MARGIN = float(norm.ppf(POWER))


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the test says of a column. `p_better` is of the mirror image; no `smallest` where nothing would do."""

    column: Column
    verdict: Verdict
    effect: float
    low: float
    high: float
    p_worse: float
    p_better: float
    smallest: float | None
    pairs: int


def table_of(columns: Sequence[Column]) -> Table:
    """The columns that can be judged, side by side; raises ValueError for none."""
    return Table(
        np.column_stack([one.values for one in columns]), np.column_stack([one.present for one in columns])
    )


def rule_on(columns: Sequence[Column], table: Table, null: Null, flips: Flips, look: Look) -> list[Ruling]:
    """A ruling for each column of `table`. Flips of opposite sign are as likely, so one null serves both ways."""
    worse, better = null.adjusted_p(table.statistics), null.adjusted_p(-table.statistics)
    low, high = flips.intervals(table, look.pass_level)
    critical = null.critical(look.alpha)
    return [
        _rule(one, float(worse[at]), float(better[at]), (float(low[at]), float(high[at])), critical, look)
        for at, one in enumerate(columns)
    ]


def _rule(
    one: Column, p_worse: float, p_better: float, interval: tuple[float, float], critical: float, look: Look
) -> Ruling:
    seen: FloatArray = one.values[one.present]
    effect = float(np.mean(seen))
    verdict = _verdict(one, effect, interval[1], p_worse, p_better, look.alpha)
    return Ruling(one, verdict, effect, *interval, p_worse, p_better, _smallest(one, critical), seen.size)


def _verdict(one: Column, effect: float, high: float, p_worse: float, p_better: float, alpha: float) -> Verdict:
    """The first that holds."""
    if one.invalid:
        return Verdict.INVALID
    if p_worse <= alpha and effect >= one.floor - _ROUNDING:
        return Verdict.REGRESSED
    if one.hindrance:
        return Verdict.INCONCLUSIVE
    if p_better <= alpha and effect <= -one.floor + _ROUNDING and not one.flattered:
        return Verdict.IMPROVED
    passes = one.harmless if one.limit is None else high < one.limit
    return Verdict.PASS if passes else Verdict.INCONCLUSIVE


def _smallest(one: Column, critical: float) -> float | None:
    """The mean that reaches the critical r = m / sqrt(m^2 + s^2) and the floor, and a margin for its own error.

    Of a column that lacks pairs r is lower, by the root of the share that it has.
    """
    seen: FloatArray = one.values[one.present]
    reached = critical / math.sqrt(seen.size / one.values.size)
    if reached > 1 - 1e-9:
        return None
    spread = float(np.std(seen))
    needed = max(spread * reached / math.sqrt(1 - reached**2), one.floor)
    return needed + _MARGIN * spread / math.sqrt(seen.size)
