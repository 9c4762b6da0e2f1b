"""The frozen result of the analysis: all that formats, comparison and gate may look at.

Pure data with units in the names. Latencies are in milliseconds, from the intended send (response time)
unless a field says service. Everything is JSON-able through `pydantic`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import AliasChoices, Field

from reports.summary.courses import (
    Exhaustion,
    FaultSummary,
    FaultWindow,
    GaugePoint,
    LadderStep,
    LadderUnit,
    RoundTripPoint,
    RoundTrips,
    Timeline,
    TimePoint,
)
from reports.summary.diagnoses import Diagnosis, Finding, Moment, Sureness, Withheld
from reports.summary.figures import (
    Breakdown,
    Count,
    Counts,
    ErrorCount,
    HeldTimes,
    InsideFigures,
    Intervals,
    Latency,
    PartTime,
    PhaseResult,
    Ratio,
    Result,
    Spread,
)
from reports.summary.judgements import (
    Caveat,
    CheckResult,
    CheckVerdict,
    Ledger,
    LedgerRow,
    LimitResult,
    NoiseFloor,
    OracleFigure,
    OracleResult,
    OracleVerdict,
    TrialLine,
)

__all__ = [
    "SUMMARY_FORMAT",
    "SUMMARY_VERSION",
    "Breakdown",
    "Caveat",
    "CheckResult",
    "CheckVerdict",
    "Count",
    "Counts",
    "Diagnosis",
    "ErrorCount",
    "Exhaustion",
    "FaultSummary",
    "FaultWindow",
    "Finding",
    "GaugePoint",
    "HeldTimes",
    "InsideFigures",
    "Intervals",
    "LadderStep",
    "LadderUnit",
    "Latency",
    "Ledger",
    "LedgerRow",
    "LimitResult",
    "Moment",
    "NoiseFloor",
    "OracleFigure",
    "OracleResult",
    "OracleVerdict",
    "PartTime",
    "PhaseInfo",
    "PhaseResult",
    "Ratio",
    "Result",
    "RoundTripPoint",
    "RoundTrips",
    "RunInfo",
    "ScenarioResult",
    "Spread",
    "Summary",
    "Sureness",
    "TargetResult",
    "TimeKind",
    "TimePoint",
    "Timeline",
    "TrialLine",
    "Withheld",
]

SUMMARY_FORMAT = "poolstorm-summary"
SUMMARY_VERSION = 5


class TargetResult(Result):
    """One target under one scenario. `repeats` names the target whose twin it is (A/A)."""

    target: str
    is_control: bool
    trials: tuple[TrialLine, ...]
    phases: tuple[PhaseResult, ...]
    faults: tuple[FaultWindow, ...]
    timelines: tuple[Timeline, ...]
    exhaustion: Exhaustion | None
    errors: tuple[ErrorCount, ...]
    checks: tuple[CheckResult, ...]
    settings: dict[str, int | float | str | bool | None]
    repeats: str | None = Field(
        default=None, validation_alias=AliasChoices("repeats", "same_as")
    )  # the latter until 3
    breakdowns: tuple[Breakdown, ...] = ()
    held: tuple[HeldTimes, ...] = ()
    inside: InsideFigures | None = None
    counts: Counts | None = None
    round_trips: tuple[
        RoundTrips, ...
    ] = ()  # one for each operation; only where a ladder of latencies was climbed
    fault_summaries: tuple[FaultSummary, ...] = ()
    oracles: tuple[OracleResult, ...] = ()
    diagnosis: Diagnosis = Diagnosis()
    limits: tuple[LimitResult, ...] = ()


class PhaseInfo(Result):
    """A phase as planned."""

    name: str
    duration_s: float
    load: str
    behaviour: str
    warmup: bool
    faults: tuple[str, ...]  # such as `latency 10 ms +-2 ms from 0.5 s for 2 s`


class ScenarioResult(Result):
    """One scenario: what was planned, and each target under it."""

    name: str
    title: str
    question: str
    phases: tuple[PhaseInfo, ...]
    pool_overrides: dict[str, int | float | bool]
    targets: tuple[TargetResult, ...]
    ledger: Ledger | None = None
    noise: tuple[NoiseFloor, ...] = ()


class RunInfo(Result):
    """What was run and on what."""

    run_id: str
    created_at: datetime
    state: str
    seed: int
    repetitions: int
    control: str
    poolstorm_version: str
    trials_planned: int
    trials_completed: int  # and valid
    trials_invalid: int = 0
    targets: dict[str, str]  # name -> what it teaches
    environment: dict[str, str]
    borne_per_s: float | None = None  # requests a second that the app bore before; None where rates were given
    usual_per_s: float | None = None  # what was taken as usual for it
    locustfile: str = ""  # whose users put the load on, in words; empty where ours did


class Summary(Result):
    """Everything that a report may say of one run."""

    format: Literal["poolstorm-summary"] = "poolstorm-summary"
    version: int = SUMMARY_VERSION
    run: RunInfo
    scenarios: tuple[ScenarioResult, ...]
    caveats: tuple[Caveat, ...]

    @property
    def limits(self) -> tuple[LimitResult, ...]:
        """Every absolute limit, of every target."""
        return tuple(
            result for scenario in self.scenarios for target in scenario.targets for result in target.limits
        )
