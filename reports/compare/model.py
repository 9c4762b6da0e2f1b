"""What a comparison of two runs says: frozen, and whole as JSON."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from reports.summary import Caveat, CheckVerdict, Result, RoundTrips, RunInfo

COMPARISON_FORMAT = "poolstorm-comparison"
COMPARISON_VERSION = 3


class Figures(Result):
    """What is compared of one phase of one target in one run; latencies are those of successes."""

    requests: int  # answered or given up, aborted ones left out
    p50_ms: float | None
    p99_ms: float | None
    completed_per_s: float  # successes
    error_share: float | None  # of requests


class ComparedPhase(Result):
    """One phase of one target in both runs, all its repetitions together. Ratios are B over A; None where either
    side has no figure.
    """

    scenario: str
    target: str
    phase: str
    load: str
    a: Figures
    b: Figures
    p50_ratio: float | None
    p99_ratio: float | None
    throughput_ratio: float | None
    error_share_change: float | None  # B minus A


class Change(StrEnum):
    """What became of a figure, worst first. `open`: the repetitions leave open which of the others it is."""

    WORSE = "worse"
    BETTER = "better"
    OPEN = "open"
    ALIKE = "alike"


class ComparedFigure(Result):
    """One figure of one route, by repetition. `effect` is positive where B is worse, on `scale`, as in a gate.

    `low` and `high` are the 95 % interval of the effect; None where either run has one repetition and the other no
    more. `floor` is what the gate takes for worth telling, `noise` what the same thing run twice differed by; None
    where no run had it twice. `counted`: it was the same in each repetition of a run, so that chance has no
    part in it.
    """

    scenario: str
    target: str
    phase: str
    route: str
    metric: str
    scale: Literal["log-ratio", "relative", "difference"]
    unit: str
    a: float  # means of the repetitions that have it
    b: float
    repetitions_a: int
    repetitions_b: int
    effect: float
    low: float | None
    high: float | None
    floor: float
    noise: float | None
    counted: bool
    change: Change
    said: str


class ComparedCount(Result):
    """What one request costs in both runs; None where a run does not know it. `ratio` is B over A."""

    scenario: str
    target: str
    name: str  # a field of `reports.summary.Counts`
    a: float | None
    b: float | None
    ratio: float | None


class ComparedRoundTrips(Result):
    """Sequential round trips of one operation in both runs, without the points that they rest on."""

    scenario: str
    target: str
    operation: str
    a: RoundTrips
    b: RoundTrips


class ChangedCheck(Result):
    """A check whose verdict differs between the runs."""

    scenario: str
    target: str
    kind: str
    a: CheckVerdict
    b: CheckVerdict
    evidence_a: str
    evidence_b: str


class Comparison(Result):
    """Everything that a report may say of two runs.

    `only_in_*` name a `scenario`, a `scenario/target`, a `scenario/target/phase` or a route of one
    (`scenario/target/phase/route`). `pairing` says why figures advise only, `noise` by what they were judged.
    """

    format: Literal["poolstorm-comparison"] = "poolstorm-comparison"
    version: int = COMPARISON_VERSION
    a: RunInfo
    b: RunInfo
    pairing: str = ""
    noise: str = ""
    figures: tuple[ComparedFigure, ...] = ()  # worst first
    left_out: tuple[str, ...] = ()  # figures that a run has too few requests for
    phases: tuple[ComparedPhase, ...]  # counting phases, all operations together
    changed_checks: tuple[ChangedCheck, ...]
    only_in_a: tuple[str, ...]
    only_in_b: tuple[str, ...]
    caveats: tuple[Caveat, ...]
    counts: tuple[ComparedCount, ...] = ()
    round_trips: tuple[ComparedRoundTrips, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether no phase had requests in both runs, so that nothing was compared."""
        return not any(phase.a.requests and phase.b.requests for phase in self.phases)
