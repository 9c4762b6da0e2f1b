"""Figures of phases and operations: latencies, rates, ratios, and what a request costs."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict


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


class PartTime(Result):
    """How long one part of a phase's successes took, as the target told it in Server-Timing.

    `acquire` is the whole checkout, of which `connect` and `ping` are parts. Of the requests that were believed.
    None below five of them.
    """

    of: Literal["acquire", "connect", "ping", "query"]
    count: int
    p50_ms: float | None
    p50_interval: Spread | None = None


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
    parts: tuple[PartTime, ...] = ()  # the medians of what was told


TimeKind = Literal["held", "release", "acquire", "connect", "ping", "query"]


class InsideFigures(Result):
    """What the probe in an app saw beside its pools, over all repetitions. None: nothing, or not listened to."""

    readings: int
    lag_max_ms: float | None  # by which an event loop was late
    oldest_ms: float | None  # that a connection was seen to be out
    oldest_place: str  # where that one was taken
    tokens: int | None  # threads that AnyIO may have at work
    borrowed_max: int | None
    waited_for_max: int | None  # tasks that waited for a thread


class HeldTimes(Result):
    """How long connections were held in a phase (checkout to return), or took to be returned (`release`); of an
    app with a probe also how long they were waited for, opened, tested and asked.

    Percentiles are told for each repetition; this is their median over repetitions (`max_ms`: the largest). None
    where no connection was returned.
    """

    phase: str
    warmup: bool
    of: TimeKind
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
