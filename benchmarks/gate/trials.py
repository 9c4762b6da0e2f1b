"""Many made-up gates, and how they ended."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import binomtest

from benchmarks.gate.world import World, gate
from reports.gate.columns import Column
from reports.gate.flips import Flips
from reports.gate.looks import Look
from reports.gate.ruling import rule_on, table_of
from reports.gate.verdicts import Verdict, worst

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
    """Rule on made-up gates as the gate does: by one look, or by a first at `first` pairs and a final one."""
    rng = np.random.default_rng([seed, 1])  # a stream apart from that of the flips
    looks = [(pairs, Look.ONLY)] if first is None else [(first, Look.FIRST), (pairs, Look.FINAL)]
    flips = {taken: Flips.of(taken, seed, RESAMPLES) for taken, _ in looks}
    made = [gate(world, pairs, rng) for _ in range(gates)]
    verdicts, taken = zip(*(_ruled(columns, looks, flips) for columns in made), strict=True)
    return Tally(gates, float(np.mean(taken)), len(made[0]), Counter(verdicts))


def _ruled(columns: list[Column], looks: list[tuple[int, Look]], flips: dict[int, Flips]) -> tuple[Verdict, int]:
    for taken, look in looks:
        part = [replace(one, values=one.values[:taken], present=one.present[:taken]) for one in columns]
        table = table_of(part)
        rulings = rule_on(part, table, flips[taken].null_of_largest(table), flips[taken], look)
        verdict = worst(ruling.verdict for ruling in rulings)
        if verdict is not Verdict.INCONCLUSIVE:
            break
    return verdict, taken
