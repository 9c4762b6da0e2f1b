"""What needs no test: a row that is decided by what was counted, or that cannot be decided at all."""

from __future__ import annotations

from dataclasses import dataclass

from reports.gate.columns import Series
from reports.gate.verdicts import Verdict


@dataclass(frozen=True, slots=True)
class Exact:
    """A verdict with its words; `effect` is the relative change of a count, positive where head is worse."""

    series: Series
    verdict: Verdict
    said: str
    base: float | None = None
    head: float | None = None
    effect: float | None = None
    pairs: int = 0
