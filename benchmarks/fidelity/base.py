"""What a check is: a claim about poolstorm's own figures, a bound, what was measured, and the verdict.

Measuring and judging are apart: a check's module measures into a frozen record and has a pure function that
turns it into figures, so that each judgement can be tested with figures of a test's choosing.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from benchmarks.fidelity.statistics import Estimate
from harness.environment.leash import Leash

EXIT_FALLS_SHORT = 4
EXIT_NOT_MEASURED = 2


class Verdict(StrEnum):
    """Ranked: what falls short outweighs what could not be measured."""

    HOLDS = "holds"
    FALLS_SHORT = "falls short"
    NOT_MEASURED = "could not be measured"


class NotMeasuredError(Exception):
    """Something that a check needs is not to be had, or its measurement means nothing; the text says what."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure. Without a bound it is there to be read and judges nothing.

    The bound is met by the estimate's value itself; where the interval reaches beyond it, that is said. `bound`
    words it where "at most N unit" would not tell enough.
    """

    name: str
    measured: Estimate
    unit: str
    at_most: float | None = None
    at_least: float | None = None
    bound: str = ""

    @property
    def verdict(self) -> Verdict | None:
        """None where there is no bound."""
        if self.at_most is None and self.at_least is None:
            return None
        return Verdict.HOLDS if self._met_by(self.measured.value) else Verdict.FALLS_SHORT

    @property
    def clear(self) -> bool:
        """Whether the whole interval lies on the same side of the bound as the value."""
        met = self._met_by(self.measured.value)
        return met == self._met_by(self.measured.low) == self._met_by(self.measured.high)

    def _met_by(self, value: float) -> bool:
        """Comparisons are such that not-a-number meets no bound."""
        above = self.at_least is None or value >= self.at_least
        below = self.at_most is None or value <= self.at_most
        return above and below


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a check found; notes are sentences on how to read the figures of this very run."""

    figures: tuple[Figure, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Bench:
    """What a check measures with. `folder` is its own, for scratch; `say` shows progress."""

    leash: Leash
    folder: Path
    quick: bool
    rng: random.Random
    say: Callable[[str], None]

    def choose(self, full: float, quick: float) -> float:
        """A length: the full one, or the one for `--quick`."""
        return quick if self.quick else full

    def rounds(self, full: int, quick: int) -> int:
        """A number of repetitions: the full one, or the one for `--quick`."""
        return quick if self.quick else full


@dataclass(frozen=True, slots=True)
class Check:
    """One claim of docs/measurement.md. `method` says how it is measured, in sentences for its reader."""

    name: str
    title: str
    claim: str
    method: str
    run: Callable[[Bench], Outcome]


@dataclass(frozen=True, slots=True)
class CheckedClaim:
    """A check with its outcome; None, with the reason, where it could not be measured."""

    check: Check
    outcome: Outcome | None
    took_s: float
    reason: str = ""

    @property
    def verdict(self) -> Verdict:
        """The worst of its figures. A check that judged nothing has not measured anything."""
        if self.outcome is None:
            return Verdict.NOT_MEASURED
        verdicts = {figure.verdict for figure in self.outcome.figures} - {None}
        if not verdicts:
            return Verdict.NOT_MEASURED
        return Verdict.FALLS_SHORT if Verdict.FALLS_SHORT in verdicts else Verdict.HOLDS


def exit_code(checked: tuple[CheckedClaim, ...]) -> int:
    """4 where something falls short, else 2 where something could not be measured, else 0."""
    verdicts = {claim.verdict for claim in checked}
    if Verdict.FALLS_SHORT in verdicts:
        return EXIT_FALLS_SHORT
    return EXIT_NOT_MEASURED if Verdict.NOT_MEASURED in verdicts or not checked else 0
