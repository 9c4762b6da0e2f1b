"""Many made-up gates, and how they ended."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
from scipy.stats import binomtest

from benchmarks.gate.world import World, make
from reports.gate import judge
from reports.gate.flips import Flips
from reports.gate.looks import Look
from reports.gate.model import Measured
from reports.gate.result import GateResult
from reports.gate.verdicts import Verdict

TODAY = date(2026, 1, 1)
RESAMPLES = 2**14
"""An eighth of the gate's own, drawn once for all gates of a world."""


@dataclass(frozen=True)
class Tally:
    """How gates of one world ended. Rates are of all gates: one that never decides finds nothing either."""

    gates: int
    pairs: float  # on average
    family: int
    verdicts: Counter[Verdict]

    @property
    def regressed(self) -> int:
        """False alarms where nothing was planted, and finds where something was."""
        return self.verdicts[Verdict.REGRESSED]

    @property
    def undecided(self) -> int:
        """Gates that said inconclusive."""
        return self.verdicts[Verdict.INCONCLUSIVE]


def bounds(count: int, of: int, confidence: float = 0.95) -> tuple[float, float]:
    """Clopper and Pearson's interval of a share."""
    interval = binomtest(count, of).proportion_ci(confidence, method="exact")
    return float(interval.low), float(interval.high)


def run(world: World, pairs: int, gates: int, seed: int, first: int | None = None) -> Tally:
    """Judge `gates` made-up gates as the gate does: by one look, or by a first at `first` pairs and a final one."""
    rng = np.random.default_rng(seed)
    looks = [(pairs, Look.ONLY)] if first is None else [(first, Look.FIRST), (pairs, Look.FINAL)]
    flips = {taken: Flips.of(taken, seed, RESAMPLES) for taken, _ in looks}
    results = [_judged(make(world, pairs, rng), looks, flips) for _ in range(gates)]
    return Tally(
        gates,
        float(np.mean([result.pairs for result in results])),
        max(result.family for result in results),
        Counter(result.verdict for result in results),
    )


def _judged(measured: Measured, looks: list[tuple[int, Look]], flips: dict[int, Flips]) -> GateResult:
    for taken, look in looks:
        part = replace(measured, pairs_planned=taken, pairs=measured.pairs[:taken])
        result = judge(part, today=TODAY, look=look, flips=flips[taken])
        if not result.go_on:
            break
    return result
