"""The run as a whole, and each trial of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from harness.records.base import (
    FORMAT_1_PARTS,
    FORMAT_VERSION,
    LARGEST_REAL,
    Count,
    Identity,
    Real,
    Record,
    Spent,
    Whole,
)
from harness.records.calibrating import StandsOn
from harness.records.closing import Closing
from harness.records.readings import DatabaseReading, PoolReading
from scenarios.limits import Limits
from scenarios.model import Scalar, Scenario

BEYOND = "beyond all bounds"


class TrialSpec(Record):
    """One planned trial: one scenario against one target, once. Neighbours with the same `block` run at once."""

    id: Identity  # folder name, such as `003-latency-sync-pool-r1`
    index: Whole
    scenario: str
    target: str
    repetition: Whole
    block: Whole | None = None  # None: it runs alone


class Side(StrEnum):
    """What a subject is in its pair."""

    TWIN = "twin"  # the same thing as the other twin: what differs between them is noise (A/A)
    BASE = "base"
    HEAD = "head"
    BROKEN = "broken"
    CURED = "cured"
    POINT = "point"  # one of a sweep


class Login(StrEnum):
    """How a subject's connections log in to PostgreSQL."""

    TRUST = "trust"  # no password is asked for
    SCRAM = "scram"  # by password, SCRAM-SHA-256; to a given server as its URL says
    TLS = "tls"  # the same within TLS


class Place(Record):
    """A subject's place among those that belong together: which `pair`, which `side` of it, and where, from 1."""

    pair: str
    side: Side
    position: Whole


class TargetInfo(Record):
    """What was tested; `settings` are those that the target itself reports (`GET /settings`)."""

    name: str
    title: str
    teaches: str
    driver: str = ""
    settings: dict[str, Scalar | None] = Field(default_factory=dict)
    capabilities: tuple[str, ...] = ()
    place: Place | None = None
    given: dict[str, str] = Field(default_factory=dict)  # an app's command and variables, without secrets
    login: str | None = None  # a `Login`, or a later version's; None where it was not recorded

    @model_validator(mode="before")
    @classmethod
    def _from_format_1(cls, given: Any) -> Any:
        """There a twin named in `same_as` whom it repeats."""
        if not isinstance(given, dict) or not isinstance(given.get("same_as"), str) or given.get("place"):
            return given
        return {**given, "place": Place(pair=given["same_as"], side=Side.TWIN, position=2)}

    @field_validator("settings", mode="before")
    @classmethod
    def _no_endless_numbers(cls, given: Any) -> Any:
        """The target tells them, and may tell anything; numbers that nothing could hold are told in words."""
        if not isinstance(given, Mapping):
            return given
        return {name: value if _is_sensible(value) else BEYOND for name, value in given.items()}

    @property
    def repeats(self) -> str | None:
        """The subject whose twin this is, where it is not the first of the two."""
        return self.place.pair if self.place and self.place.side is Side.TWIN and self.place.position > 1 else None


def _is_sensible(value: object) -> bool:
    return not isinstance(value, int | float) or abs(value) <= LARGEST_REAL


class Environment(Record):
    """Where the run was done."""

    python: str
    platform: str
    kernel: str
    cpu_model: str
    cpu_count: Whole
    memory_mib: Whole
    load_1m: Real
    postgres: str
    postgres_settings: dict[str, str] = Field(default_factory=dict)
    database_origin: str  # `embedded` or `given`; never an address or a password
    toxiproxy: str
    packages: dict[str, str] = Field(default_factory=dict)
    git_revision: str | None = None
    git_dirty: bool | None = None
    gil: bool | None = None  # False: a free-threaded Python that ran without its lock
    libpq: str | None = None  # psycopg2's; asyncpg has none
    cpu_governor: str | None = None
    cpu_limit: Real | None = None  # processors that the container may use; None for no limit, or not known
    memory_limit_mib: Whole | None = None
    load_5m: Real | None = None
    steal_known: bool | None = None  # whether the system counts time taken by other guests
    pressure_known: bool | None = None  # whether it tells how long tasks waited for a processor


class RunState(StrEnum):
    RUNNING = "running"
    FINISHED = "finished"
    INTERRUPTED = "interrupted"  # by the user
    CUT_SHORT = "cut-short"  # by the environment or the output: `reason` says which


class CalibrationStep(Record):
    """A rate that was offered to an app, what came back of it with a success, and which share of what it answered
    failed.
    """

    offered_per_s: Real
    succeeded_per_s: Real
    failing: Real


class Calibration(Record):
    """What an app was seen to bear before the trials, and the load that was taken as usual for it."""

    target: str
    borne_per_s: Real
    usual_per_s: Real
    steps: tuple[CalibrationStep, ...] = ()


class LocustfileRecord(Record):
    """Whose users put the load on: the file's name, what its bytes were, and what was chosen of it."""

    name: str
    sha256: str  # in hexadecimal
    users: str  # such as `shop.py: Shopper (HttpUser, weight 3)`


class GateSide(Record):
    """One side of a gate as it was asked for, beside what its target's entry says."""

    name: str
    revision: str | None = None  # the commit, where it is one
    says: str = ""  # the first line of that commit's message
    link_latency_ms: Count = 0  # by which each answer of its database was held back


class EarlierGate(Record):
    """What a gate of the same head said before this one."""

    run_id: Identity
    verdict: str  # a word of `reports.gate.verdicts`
    attempt: Whole | None = None  # which of CI's tries it was
    same_base: bool = True  # else it compared the head with something else


class GateRecord(Record):
    """What a gate was to compare, and how often it was to look."""

    base: GateSide
    head: GateSide
    pairs: tuple[Whole, ...]  # judged after so many, and where that decides nothing after so many
    look: Whole = 1  # which of these it has come to, from 1
    attempt: Whole | None = None  # which of CI's tries of the same job
    earlier: tuple[EarlierGate, ...] = ()  # what those before it said, as far as that was at hand
    broken_before: str = ""  # why no pair was run: what was wrong with the head, while the base was fine
    stands_on: tuple[StandsOn, ...] = ()  # by which its errors are known
    not_calibrated: str = ""  # why they are not


class Manifest(Record):
    """`manifest.json`: what the run is; written at the start and again as its state changes."""

    format: Literal["poolstorm-run"] = "poolstorm-run"
    version: Whole = FORMAT_VERSION
    run_id: Identity
    created_at: datetime
    poolstorm_version: str
    state: RunState
    seed: int
    repetitions: Whole
    control: str  # target that the others are compared with
    scenarios: tuple[Scenario, ...]  # as run: overrides and scaling applied
    targets: tuple[TargetInfo, ...]
    trials: tuple[TrialSpec, ...]  # in the order in which they were to run
    environment: Environment
    finished_at: datetime | None = None
    reason: str = ""  # why the run was cut short
    calibration: Calibration | None = None  # by which an app's rates were chosen; None where they were given
    locustfile: LocustfileRecord | None = None  # whose users put the load on; None where ours did
    gate: GateRecord | None = None  # None: a run that is no gate
    limits: dict[str, Limits] = Field(default_factory=dict)  # absolute ones, by scenario


class TrialState(StrEnum):
    COMPLETED = "completed"
    FAILED = "failed"  # could not be carried through; `reason` says why
    ABORTED = "aborted"  # interrupted by the user
    INVALID = "invalid"  # ran, but its figures must not be used; `reason` says why


class Bank(Record):
    """The money before and after the trial, read past the proxy, and what the answers promised."""

    total_before_cents: Whole
    total_after_cents: Whole
    transfers_stored: Count
    transfers_acknowledged: Count
    negative_balances: Count


class SlowLogged(Record):
    """What a target's own log of slow statements has of one operation's."""

    operation: str
    lines: Count
    statements: Count  # of which each is counted once, however often it was reported


_OF_COSTS = frozenset(
    {
        *("counted-once", "checkouts-per-request", "connections-per-warm-request", "pings-per-checkout"),
        *("no-checkout-without-need", "server-timing", "no-server-timing-without-need"),
    }
)


class Conformance(Record):
    """One thing that a target was asked before the load or after it, and whether it answered as it must."""

    when: Literal["before", "after"]
    name: str  # such as `read-user` or `statements-per-read`
    passed: bool
    detail: str = ""

    @property
    def is_of_costs(self) -> bool:
        """Whether it asks what an answer cost, or told of its cost, and not what it says."""
        return self.name.startswith("statements-per-") or self.name in _OF_COSTS

    @property
    def was_late(self) -> bool:
        """Whether it failed for want of an answer in time, for which the machine may be to blame."""
        return not self.passed and self.detail.startswith("no answer within")


class PathAnswer(Record):
    """What an app answered on a path that is only read, before the load and after it; status 0 is no answer."""

    path: str
    status_before: Whole
    status_after: Whole
    same_body: bool | None  # None where it was not the same twice in a row before, or none came
    error: str = ""  # why none came after


class RouteCost(Record):
    """What `requests` of one route, one after the other on connections that were open, cost in the database.

    `round_trips` are those that one request waits for one after the other. None: not to be told.
    """

    route: str
    requests: Count
    failed: Count = 0  # of these
    statements: Count | None = None
    checkouts: Count | None = None
    opened: Count | None = None
    pings: Count | None = None
    round_trips: Count | None = None


class DatabaseTotals(Record):
    """What PostgreSQL counted in the trial's database (pg_stat_database), from before the target's start to after
    its end. Sessions and transactions of the harness are taken off. None: older than PostgreSQL 14.
    """

    sessions: Count | None = None
    sessions_abandoned: Count | None = None  # their client vanished while the target lived
    sessions_fatal: Count | None = None  # ended by an error, likewise
    sessions_killed: Count | None = None  # ended by somebody, likewise
    deadlocks: Count
    commits: Count
    rollbacks: Count
    active_time_ms: Spent | None = None
    idle_in_transaction_time_ms: Spent | None = None
    session_time_ms: Spent | None = None
    sessions_open: Count = 0  # there still: what they did last is not in it, nor how they end
    own_ms: Spent = 0.0  # how long sessions of the harness were open in it: as much of the times may be theirs


class TrialRecord(Record):
    """`trial.json`: one trial's identity, end and facts that are no time series."""

    format: Literal["poolstorm-trial"] = "poolstorm-trial"
    version: Whole = FORMAT_VERSION
    run_id: Identity | None = None  # of the run that it belongs to; None in format 1
    spec: TrialSpec
    state: TrialState
    reason: str = ""
    started_at: datetime
    duration_s: Real
    origin_monotonic_ns: Whole
    target: TargetInfo
    pool_at_end: PoolReading | None = None  # after the drain
    sessions_before: DatabaseReading | None = None  # of the trial's database on the primary, before the load
    sessions_at_end: DatabaseReading | None = None  # the same once the load is over and every fault healed
    pool_beside_sessions: PoolReading | None = None  # right after these were counted
    bank: Bank | None = None
    slow_log: tuple[SlowLogged, ...] | None = None  # by operation; None of a target that keeps none
    conformance: tuple[Conformance, ...] = ()
    answers: tuple[PathAnswer, ...] = ()  # of an app, on the paths that were read
    route_costs: tuple[RouteCost, ...] = ()  # by route, before the load; only where the plan asks for them
    transactions: Count | None = (
        None  # all that PostgreSQL counted in the trial's database, after the target's end
    )
    database_totals: DatabaseTotals | None = None  # None: not told, or lost with a crash of the server
    requests_served: Count | None = None  # all that took a connection of the target's, for the same stretch
    cpu_s: dict[str, Spent] = Field(default_factory=dict)  # by part (app, proxy, primary ...): in the load
    subject_ended: str = ""  # how it ended by itself during the trial; empty where it did not
    workers: Whole = 1  # load processes
    starting_s: dict[str, Spent] = Field(default_factory=dict)  # how long each part took to be ready
    reading_every_s: Real | None = None  # how often generator and pool were read
    notes: tuple[str, ...] = ()  # what a reader should know of this trial, such as why a figure is missing
    closing: Closing | None = None  # by which a reader knows that the record is whole; None in format 1

    @model_validator(mode="before")
    @classmethod
    def _from_format_1(cls, given: Any) -> Any:
        """There the parts of `cpu_s` had other names."""
        if not isinstance(given, dict) or not isinstance(spent_s := given.get("cpu_s"), dict):
            return given
        return {**given, "cpu_s": {FORMAT_1_PARTS.get(name, name): value for name, value in spent_s.items()}}
