"""Readings: gauges, sampled."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, model_validator

from harness.records.base import FORMAT_1_PARTS, Count, Real, Record, Spent, Whole

SqlState = Annotated[str, Field(pattern=r"^[0-9A-Z]{5}$")]
"""PostgreSQL's code for what went wrong, such as `40P01`."""


class PoolReading(Record):
    """The target's own account of its pool (`GET /health/db`)."""

    source: Literal["pool"] = "pool"
    t_ns: Whole
    size: Count
    checked_in: Count
    checked_out: Count
    overflow: Count
    limit: Count | None  # None: no pool, no limit
    waiting: Count  # requests inside a checkout that has not ended
    checked_out_max: Count  # since the target started
    opened_total: Count
    closed_total: Count
    invalidated_total: Count
    timed_out_total: Count
    requests_total: Count = 0  # requests that took a connection, or tried to
    checkouts_total: Count = 0
    statements_total: Count = 0
    pings_total: Count = 0


class TimesReading(Record):
    """How long connections were held (checkout to return) and took to be returned, since the last such reading.

    Taken from the target at the end of each phase (`POST /health/times/take`), or from the probe in an app, which
    tells of the other kinds too, each in bins that are 6 % wide.
    """

    source: Literal["times"] = "times"
    t_ns: Whole
    phase: str
    of: Literal["held", "release", "acquire", "connect", "ping", "query"]
    count: Count
    p50_ms: Real | None
    p90_ms: Real | None
    p99_ms: Real | None
    max_ms: Real | None
    sum_ms: Spent | None = None  # of all of them together; only the probe tells it


ErrorKind = Annotated[str, Field(pattern=r"^(?:[0-9A-Z]{5}|[a-z-]{1,20})$")]
"""An SQLSTATE, or one of the probe's own words where an error bears none."""


class InsideReading(Record):
    """What the probe in an app's processes told beside its pools. None: nothing to be told, or not listened to.

    From `errors` on, what is told as of now is of the processes that live; the rest was counted since they
    started, those that have ended included. Records older than these fields have None.
    """

    source: Literal["inside"] = "inside"
    t_ns: Whole
    processes: Count  # with a probe, alive
    lag_max_ms: Spent | None  # longest time since the last reading by which an event loop was late
    oldest_ms: Spent | None  # how long the connection that is out the longest has been out
    oldest_place: str = Field(default="", max_length=300)  # where it was taken, once that is 100 ms ago
    tokens: Count | None = None  # threads that AnyIO may have at work
    borrowed: Count | None = None  # of these, at work
    threads_waited_for: Count | None = None  # tasks that wait for one
    errors: dict[ErrorKind, Count] | None = None  # by SQLSTATE or kind; see the format
    pools: Count | None = None  # now: that have been used and not closed
    pools_made: Count | None = None
    engines_in_request: Count | None = None  # of these, made while a request was under way
    nested_waits: Count | None = None  # times that who asked for a connection held another already
    nested: Count | None = None  # of these, those that got it
    shared: Count | None = None  # checkouts whose connection a second request used
    in_loop: Count | None = None  # synchronous calls to the database that an event loop stood still for
    in_loop_ms: Spent | None = None  # for how long altogether
    commits_failed: Count | None = None
    commits_late: Count | None = None  # that began after their request's response had
    commits_failed_late: Count | None = None  # of these, those that failed
    streaming: Count | None = None  # now: responses that have begun and not ended
    out_after_response: Count | None = None  # now: connections out whose request's response has begun
    abandoned: Count | None = None  # now: connections out whose request has ended
    abandoned_total: Count | None = None  # that were out when their request ended
    cancelled_out: Count | None = None  # that were out when their request was cancelled, or its client had gone
    work_for_nobody: Count | None = None  # statements and checkouts that ended after their client had gone
    introspections: Count | None = None  # asyncpg's questions for types
    resets: Count | None = None  # by asyncpg's pool, at a release
    idle_ms_total: Spent | None = None  # of the times that connections were held: no statement was under way
    query_ms_total: Spent | None = None  # of these times: one was, or a COMMIT or ROLLBACK


class DatabaseReading(Record):
    """Sessions of the target as PostgreSQL sees them (pg_stat_activity, read past the proxy).

    What comes after `total` is None in older records, and where the server does not tell what sessions do. An age
    is None as well where there is no such session.
    """

    source: Literal["database"] = "database"
    t_ns: Whole
    part: str = "primary"  # which server
    active: Count
    idle: Count
    idle_in_transaction: Count
    total: Count
    waiting_for_lock: Count | None = None
    blocked_by_idle: Count | None = None  # of these, behind a session that is idle in transaction, be it anybody's
    oldest_active_ms: Spent | None = None  # the longest that a statement has been running
    oldest_in_transaction_ms: Spent | None = None  # the longest that a transaction has been open
    oldest_idle_in_transaction_ms: Spent | None = None  # the longest that one has been waiting for its client
    waits: dict[str, Count] | None = None  # active sessions by PostgreSQL's wait_event_type; `none`: at work
    started: Count | None = None  # sessions that the gauge's reading before did not have; None in its first
    introspecting: Count | None = None  # sessions that asked the catalogue for types last, as asyncpg does

    @property
    def by_state(self) -> tuple[int, int, int, int]:
        """How many there are, without their ages, by which no two readings are the same."""
        return self.active, self.idle, self.idle_in_transaction, self.total

    @property
    def of_primary(self) -> bool:
        """Whether it is of the server that every target has, and not of another one beside it."""
        return self.part == "primary"


class ErrorsReading(Record):
    """What a server's own log has of errors in the trial's database since the reading before: codes, no words."""

    source: Literal["errors"] = "errors"
    t_ns: Whole
    part: str = "primary"  # whose log
    counts: dict[SqlState, Count] = Field(default_factory=dict)  # lines with ERROR, FATAL or PANIC
    order: tuple[SqlState, ...] = ()  # the same codes, by which was the first to come
    lost: Count = 0  # sessions whose client vanished inside a transaction, or while it was being written to

    @property
    def refused(self) -> int:
        """Connections for which there was no room (too_many_connections)."""
        return self.counts.get("53300", 0)


class ReplicationReading(Record):
    """How far a replica is behind, as the primary knows it (pg_stat_replication, read past the proxy)."""

    source: Literal["replication"] = "replication"
    t_ns: Whole
    part: str = "replica"  # which follows
    behind_bytes: Whole  # of the primary's log, written and not yet shown by the replica
    replay_lag_ms: Real | None  # from the primary's flush of its last records to their showing; null when idle


class BankReading(Record):
    """The money at one moment, read past the proxy in one statement while the load runs."""

    source: Literal["bank"] = "bank"
    t_ns: Whole
    total_cents: Whole
    negative_balances: Count
    transfers: Count


class GeneratorReading(Record):
    """The load generator: totals since the load began, and its own lateness."""

    source: Literal["generator"] = "generator"
    t_ns: Whole
    phase: str
    users: Count  # closed users running; 0 under open arrivals
    in_flight: Count
    started_total: Count
    completed_total: Count
    not_started_total: Count  # kept back by the in-flight cap
    late_max_ms: Real  # worst lateness of a start since the last reading
    loop_gap_max_ms: Real = 0.0  # longest time since the last reading in which the generator's loop did not turn
    busiest_cpu_s: Spent | None = None  # since the load began, of the load process that has used most


class HostReading(Record):
    """Processor time: the whole host in per cent of all cores, each part's processes in seconds since they
    started.
    """

    source: Literal["host"] = "host"
    t_ns: Whole
    cpu_percent: Real
    steal_percent: Real
    pressure_percent: Real | None = None  # share of time in which some task waited for a processor (PSI, 10 s)
    cpu_s: dict[str, Spent] = Field(default_factory=dict)  # by part: app, generator, proxy, primary, replica
    app_threads: Count | None = None  # of the subject's processes

    @model_validator(mode="before")
    @classmethod
    def _from_format_1(cls, given: Any) -> Any:
        """There each part had a field of its own."""
        if not isinstance(given, dict) or "cpu_s" in given:
            return given
        spent_s = {
            part: given[f"{name}_cpu_s"] for name, part in FORMAT_1_PARTS.items() if f"{name}_cpu_s" in given
        }
        return {**given, "cpu_s": spent_s}


class GapReading(Record):
    """A gauge that could not be read, and why; a hole in a chart has a reason."""

    source: Literal["gap"] = "gap"
    t_ns: Whole
    of: str
    reason: str


Reading = Annotated[
    PoolReading
    | TimesReading
    | InsideReading
    | DatabaseReading
    | ErrorsReading
    | ReplicationReading
    | BankReading
    | GeneratorReading
    | HostReading
    | GapReading,
    Field(discriminator="source"),
]
_READING: TypeAdapter[Reading] = TypeAdapter(Reading)


def decode_reading(line: str) -> Reading:
    """One line of readings.jsonl. Raises pydantic.ValidationError, a ValueError."""
    return _READING.validate_json(line)
