"""The frozen result of the analysis: all that formats, comparison and gate may look at.

Pure data with units in the names. Latencies are in milliseconds, from the intended send (response time)
unless a field says service. Everything is JSON-able through `pydantic`.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

SUMMARY_FORMAT = "poolstorm-summary"
SUMMARY_VERSION = 3


class Result(BaseModel):
    """Base: frozen, unknown fields forbidden, not-a-number written as null."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="null")


class Latency(Result):
    """A distribution of latencies in milliseconds; None where there was no request.

    p90, p99 and p99.9 are None also where there are fewer than 10, 100 and 1,000 requests.
    """

    count: int
    p50_ms: float | None
    p90_ms: float | None
    p99_ms: float | None
    p999_ms: float | None
    max_ms: float | None
    mean_ms: float | None


class Spread(Result):
    """An interval of a figure over its repetitions, from `low` to `high`, in the figure's own unit.

    With three or more repetitions it is the 95 % t interval of the repetitions' mean: taken on logarithms for
    latencies, rates and ratios (so it lies unevenly about the figure), as they are for shares and counts. With
    two it is their range. With one there is no Spread. The figure itself is of all requests together, so it may
    lie a little outside.
    """

    low: float
    high: float
    repetitions: int


class Ratio(Result):
    """This target over the control, paired by repetition: median, smallest and largest.

    `interval` is the Spread of the repetitions' ratios. `noise` is the noise floor of such a ratio, a factor of
    1 or more (see `NoiseFloor`): what lies between 1/noise and noise shows no difference. `beyond_noise` says
    whether the median lies outside and the interval, if any, does not reach across 1; both are None where no
    target was run twice under two names.
    """

    median: float
    low: float
    high: float
    repetitions: int
    interval: Spread | None = None
    noise: float | None = None
    beyond_noise: bool | None = None


class Intervals(Result):
    """Intervals over repetitions of a phase's headline figures; None with one repetition that has the figure."""

    p50_ms: Spread | None = None  # the four latencies are of successes
    p90_ms: Spread | None = None
    p99_ms: Spread | None = None
    mean_ms: Spread | None = None
    completed_per_s: Spread | None = None
    success_share: Spread | None = None


class ErrorCount(Result):
    """How many requests of a phase ended in one way."""

    phase: str
    operation: str
    outcome: str
    kind: str
    count: int


class PhaseResult(Result):
    """One phase of one target, all its completed repetitions merged. `operation` is `all` or one of them.

    Requests belong to the phase in which they were meant to be sent; only `completed_per_s` counts by when the
    answer came: successes answered between the phase's marks. `not_started` is known for `all` only.
    """

    phase: str
    operation: str
    warmup: bool
    load: str
    success: Latency
    failure: Latency
    together: Latency
    service: Latency  # successes from the actual send: what stock tools would show
    started_per_s: float
    completed_per_s: float
    success_share: float | None
    not_started: int
    outcomes: dict[str, int]
    p50_ratio: Ratio | None  # of successes, against the control target; None for the control itself
    p99_ratio: Ratio | None
    intervals: Intervals = Intervals()


class Breakdown(Result):
    """Where the mean response time of a phase's successes went: the six parts add up to `mean_ms`.

    `lag_ms` runs from the intended to the actual send (mean response less mean service time). The next four are
    what the target told in Server-Timing, meaned over the requests that were believed: waiting in the pool's
    queue (acquire less connect and ping), opening connections, pre-pings, statements. `rest_ms` is what remains
    of the service time: HTTP, the target's own work, and the return of the connection where that comes before the
    answer. It may lie a little below 0, since target and generator read different moments. Absent where no header
    was believed.
    """

    phase: str
    operation: str  # `all` or one of them
    warmup: bool
    requests: int  # successes
    believed_share: float  # of the successes, those with a Server-Timing that was believed, 0 to 1
    mean_ms: float
    lag_ms: float
    queue_ms: float
    connect_ms: float
    ping_ms: float
    query_ms: float
    rest_ms: float
    mean_interval: Spread | None = None


class HeldTimes(Result):
    """How long connections were held in a phase (checkout to return), or took to be returned (`release`).

    Percentiles are told by the target for each repetition; this is their median over repetitions (`max_ms`:
    the largest). None where no connection was returned.
    """

    phase: str
    warmup: bool
    of: Literal["held", "release"]
    repetitions: int
    count: int
    p50_ms: float | None
    p90_ms: float | None
    p99_ms: float | None
    max_ms: float | None
    p50_interval: Spread | None = None


class Count(Result):
    """So many of something for each request, all repetitions together, and the Spread over repetitions."""

    per_request: float
    interval: Spread | None = None


class Counts(Result):
    """What one request costs, over a whole trial with warm-up and faults; None where it was not recorded.

    The first five are the target's own totals, from before the load to after the drain, by the requests that
    took a connection or tried to. `transactions` is all that PostgreSQL counted in the trial's database, by all
    such requests since the target started. The processor times are milliseconds for each request that ended
    during the load.
    """

    requests: int  # that took a connection or tried to, in all repetitions
    statements: Count | None = None
    checkouts: Count | None = None
    opened: Count | None = None
    invalidated: Count | None = None
    pings: Count | None = None
    transactions: Count | None = None
    target_cpu_ms: Count | None = None
    generator_cpu_ms: Count | None = None
    proxy_cpu_ms: Count | None = None
    database_cpu_ms: Count | None = None


class RoundTripPoint(Result):
    """p50 of one operation under one injected latency, in one repetition."""

    phase: str
    repetition: int
    latency_ms: float
    p50_ms: float
    requests: int


class RoundTrips(Result):
    """Sequential round trips to the database for each request of one operation.

    `slope` is milliseconds of p50 for each millisecond of injected latency, with its confidence interval from
    `low` to `high`; p50 = intercept_ms + slope * latency is the fitted line.
    """

    operation: str
    slope: float
    low: float
    high: float
    intercept_ms: float
    points: tuple[RoundTripPoint, ...]


class FaultWindow(Result):
    """One injection, by its recorded marks; times in seconds since the trial's origin.

    `recovery_ms` runs from heal-done to the start of the first interval from which all requests succeed
    until the next injection or the load's end, in steps of the interval; None where that never came.
    """

    repetition: int
    phase: str
    kind: str
    planned_s: float
    inject_begin_s: float
    inject_done_s: float
    heal_begin_s: float | None
    heal_done_s: float | None
    inject_late_ms: float  # inject_done against plan
    heal_late_ms: float | None
    requests: int  # sent wholly inside the fault
    success: Latency
    failure: Latency
    answered_inside: int  # of those, at least so many were answered before the healing began
    recovery_ms: float | None


class FaultSummary(Result):
    """All injections of one kind in one phase, over all repetitions; requests sent wholly inside them."""

    phase: str
    kind: str
    windows: int
    repetitions: int
    requests: int
    success: Latency
    failure: Latency
    answered_inside: int  # at least so many were answered before the healing began
    error_share: float | None  # failures among those that ended as success or failure
    recovered: int  # windows after which steady success was seen
    recovery_min_ms: float | None  # over those
    recovery_median_ms: float | None
    recovery_max_ms: float | None
    inject_late_max_ms: float
    heal_late_max_ms: float | None


class TimePoint(Result):
    """One bin of a trial on its own clock; latencies of successes, by the bin of the intended send.

    As everywhere, p99 is None below 100 requests; a bin without requests is present, with `requests` 0.
    """

    t_s: float
    requests: int
    failures: int
    p50_ms: float | None
    p99_ms: float | None
    max_ms: float | None
    failure_max_ms: float | None = None  # slowest failure: a stall that ended in an error


class GaugePoint(Result):
    """Pool, database and generator in one bin (of the timeline's length); None where no gauge was read in it.

    Of several readings in a bin the largest counts, and of totals the last.
    """

    t_s: float
    checked_out: int | None = None
    overflow: int | None = None
    waiting: int | None = None
    limit: int | None = None
    opened_total: int | None = None
    database_active: int | None = None
    database_total: int | None = None
    in_flight: int | None = None
    users: int | None = None
    host_cpu_percent: float | None = None


class Timeline(Result):
    """One trial over time, for the chart of latency over the pool's gauges."""

    repetition: int
    points: tuple[TimePoint, ...]
    gauges: tuple[GaugePoint, ...]
    phases: tuple[tuple[str, float, float], ...]  # name, start_s, end_s


class LadderStep(Result):
    """One step of a rising ladder, repetitions merged; `offered` is in the ladder's `offered_in`."""

    phase: str
    offered: float = Field(validation_alias=AliasChoices("offered", "concurrency"))  # the latter until version 2
    success: Latency
    together: Latency
    completed_per_s: float  # successes
    refused: int
    failed: int  # failed and unknown
    in_flight_max: int | None = None  # most requests at once that waited for their answer
    checked_out_max: int | None
    intervals: Intervals = Intervals()


LadderUnit = Literal["users", "per_s"]
"""A ladder climbs in closed users at once, or in requests a second that arrive whatever became of earlier ones."""


class Exhaustion(Result):
    """Where exhaustion began: the first step with refusals or failures, and what the pool showed."""

    steps: tuple[LadderStep, ...]
    offered_in: LadderUnit = "users"
    onset_phase: str | None
    onset_offered: float | None = Field(validation_alias=AliasChoices("onset_offered", "onset_concurrency"))
    onset_sign: Literal["refusals", "failures", "none"]
    checked_out_max: int | None
    limit: int | None
    saturation_offered: float | None = Field(  # first step that gains under 5 % throughput over the one before
        validation_alias=AliasChoices("saturation_offered", "saturation_concurrency")
    )

    def said(self, offered: float) -> str:
        """What a step offered, such as `40 users at once` or `80 requests/s`."""
        return f"{offered:g} users at once" if self.offered_in == "users" else f"{offered:g} requests/s"


class CheckVerdict(StrEnum):
    PASSED = "passed"
    BROKEN = "broken"
    UNDECIDED = "undecided"  # the evidence is missing; never counts as passed


class CheckResult(Result):
    """A scenario's expectation, evaluated for one target."""

    kind: str
    limit: float | None
    verdict: CheckVerdict
    evidence: str


class TrialLine(Result):
    """How one trial ended: `completed`, `failed`, `aborted`, `not-run`, or `invalid`.

    An invalid trial was carried through, but its figures must not be used: either the harness said so, or a rule
    of `reports.analysis.validity` did (their names are in `rules`). It is in no figure of a Summary. `reason` says
    what was seen and `advice` what to try next; both are empty for a completed trial.
    """

    id: str
    repetition: int
    state: str
    reason: str
    advice: str = ""
    rules: tuple[str, ...] = ()


class TargetResult(Result):
    """One target under one scenario. `same_as` names the target that it repeats under another name (A/A)."""

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
    same_as: str | None = None
    breakdowns: tuple[Breakdown, ...] = ()
    held: tuple[HeldTimes, ...] = ()
    counts: Counts | None = None
    round_trips: tuple[
        RoundTrips, ...
    ] = ()  # one for each operation; only where a ladder of latencies was climbed
    fault_summaries: tuple[FaultSummary, ...] = ()


class NoiseFloor(Result):
    """How far apart two runs of one target come out in one phase, as a factor of 1 or more.

    `p50` and `p99` are exp of the largest |ln ratio| that repeating `same_as` as `target` shows: at the ends of
    the 95 % interval over three or more repetitions, else at the single repetitions' ratios. Where several
    targets are repeated, the largest floor of a phase and operation is what each Ratio is held against.
    """

    phase: str
    operation: str
    target: str
    same_as: str
    p50: float | None
    p99: float | None
    repetitions: int


class LedgerRow(Result):
    """One circumstance that could tilt the comparison: its value as text for each target.

    A target to which it does not apply, or of which it is not known, has None, which counts as no difference.
    `differs` tells whether the compared targets (repeated ones left out) have more than one value.
    """

    name: str  # such as `connections allowed`
    values: dict[str, str | None]
    differs: bool


class Ledger(Result):
    """The fairness ledger of one scenario: the targets in order, and every circumstance known."""

    targets: tuple[str, ...]
    rows: tuple[LedgerRow, ...]


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


class Caveat(Result):
    """What limits the figures, and what to try next. `code` is stable.

    What holds in several places is told once, with the scope `run`; `places` then lists them all, each as
    `scenario/target`.
    """

    code: str
    scope: str  # `run`, a scenario, or `scenario/target`
    text: str
    advice: str
    places: tuple[str, ...] = ()


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


class Summary(Result):
    """Everything that a report may say of one run."""

    format: Literal["poolstorm-summary"] = "poolstorm-summary"
    version: int = SUMMARY_VERSION
    run: RunInfo
    scenarios: tuple[ScenarioResult, ...]
    caveats: tuple[Caveat, ...]
