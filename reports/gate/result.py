"""What the gate says: frozen, and whole as JSON."""

from __future__ import annotations

from typing import Literal

from reports.gate.columns import Scale
from reports.gate.verdicts import Verdict
from reports.summary.figures import Result

GATE_VERSION = 1
PREFLIGHT = "preflight"
"""The metric of a head that could not be measured before the pairs."""


class Row(Result):
    """One metric at one place. Effects are positive where head is worse, on `scale`; None for what is not known.

    `low` and `high` are the sign-flip interval of the effect, `p` is adjusted for the whole family, `smallest` is
    the least effect that this run would have found in 95 of 100 cases. `accepted` is the reason on file.
    """

    target: str
    scenario: str
    phase: str
    route: str
    metric: str
    name: str
    verdict: Verdict
    said: str
    pairs: int
    scale: Scale | None = None
    unit: str = ""
    base: float | None = None
    head: float | None = None
    effect: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    floor: float | None = None
    limit: float | None = None
    smallest: float | None = None
    accepted: str | None = None


class Breached(Result):
    """A safety breach, with the side and the pair in which it was seen; only those of head decide."""

    side: Literal["base", "head"]
    target: str
    pair: int
    name: str
    said: str
    scenario: str = ""


class GateResult(Result):
    """The verdict and all that it rests on, worst rows first. `go_on` asks for the pairs of the final look."""

    format: Literal["poolstorm-gate"] = "poolstorm-gate"
    version: int = GATE_VERSION
    verdict: Verdict
    said: str
    look: str
    go_on: bool
    alpha: float
    pass_level: float
    pairs: int
    pairs_planned: int
    family: int  # columns tested together
    flips: int
    exact: bool  # all flips, or drawn from the seed
    seed: int
    rows: tuple[Row, ...]
    breaches: tuple[Breached, ...] = ()
    appeared: tuple[str, ...] = ()
    went: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    unused_acceptances: tuple[str, ...] = ()

    @property
    def was_broken_before(self) -> bool:
        """Whether the head could not be measured at all, so that no pair was run."""
        return any(row.metric == PREFLIGHT for row in self.rows)
