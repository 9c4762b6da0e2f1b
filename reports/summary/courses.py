"""Figures over time and along ladders: faults, timelines, round trips, exhaustion."""

from __future__ import annotations

from typing import Literal

from pydantic import AliasChoices, Field

from reports.summary.figures import Intervals, Latency, Result


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
    given_up: int = 0  # under way when the load ended
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
    sessions_max: int | None = None  # most that PostgreSQL had for the target at any reading
    saturation_offered: float | None = Field(  # first step that gains under 5 % throughput over the one before
        validation_alias=AliasChoices("saturation_offered", "saturation_concurrency")
    )

    @property
    def short_of(self) -> int | None:
        """PostgreSQL's sessions where they are fewer than the connections out: some only tried to be opened."""
        if self.limit is None or self.checked_out_max is None or self.sessions_max is None:
            return None
        return self.sessions_max if self.sessions_max < self.checked_out_max else None

    def said(self, offered: float) -> str:
        """What a step offered, such as `40 users at once` or `80 requests/s`."""
        return f"{offered:g} users at once" if self.offered_in == "users" else f"{offered:g} requests/s"
