"""The record: everything that a run directory holds. Schema, units, codecs.

Running writes these and reporting reads them; the two share nothing else. Every time is in nanoseconds since
the trial's origin, one reading of the monotonic clock (`TrialRecord.origin_monotonic_ns`) to which load
process, fault injector and samplers all refer. docs/run-format.md describes the files.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from hdrh.histogram import HdrHistogram
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from scenarios.model import Scalar, Scenario

FORMAT = "poolstorm-run"
FORMAT_VERSION = 1

MANIFEST_FILE = "manifest.json"
TRIALS_DIR = "trials"
TRIAL_FILE = "trial.json"
LATENCY_FILE = "latency.hlog"
MARKS_FILE = "marks.jsonl"
READINGS_FILE = "readings.jsonl"
PARTIAL_PREFIX = ".partial-"

INTERVAL_NS = 100_000_000
"""Shortest length of a histogram interval: fine enough to cut fault windows out of a trial."""
PHASE_INTERVAL_NS = 100 * INTERVAL_NS
"""Length of the intervals of service times and their parts, which are needed by phase only."""
MOST_BINS = 400
FEWEST_IN_PHASE = 50
LOWEST_NS = 1_000
HIGHEST_NS = 3_600_000_000_000
SIGNIFICANT_FIGURES = 3


class Record(BaseModel):
    """Base of all records. Unknown fields are ignored, so that a later minor addition stays readable."""

    model_config = ConfigDict(frozen=True, extra="ignore", ser_json_inf_nan="null")


class Outcome(StrEnum):
    """What is known of a request; decided once, where the answer arrives."""

    OK = "ok"
    REFUSED = "refused"  # the pool was exhausted, and the target said so
    FAILED = "failed"  # definitely not done
    UNKNOWN = "unknown"  # sent, and no answer tells whether it was done
    ABORTED = "aborted"  # under way when the harness ended the load


class Measure(StrEnum):
    """What was timed: from the intended send (response time), from the actual one (service time), or a part of
    the service time that the target told in its Server-Timing header.

    `acquire` is the whole checkout; `ping` and `connect` are parts of it. Parts are recorded only for requests
    whose header could be trusted, so their counts can be lower.
    """

    RESPONSE = "response"
    SERVICE = "service"
    ACQUIRE = "acquire"
    CONNECT = "connect"
    PING = "ping"
    QUERY = "query"


# --- latency: HdrHistogram interval log ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SeriesKey:
    """Which requests a histogram holds. `kind` is the problem's kind or transport error, `-` for success."""

    phase: str
    operation: str
    outcome: Outcome
    kind: str
    measure: Measure

    def tag(self) -> str:
        """The key as a histogram-log tag: its parts joined by `;` (none may hold a comma or blank)."""
        return ";".join((self.phase, self.operation, self.outcome, self.kind, self.measure))

    @classmethod
    def from_tag(cls, tag: str) -> SeriesKey:
        """Inverse of `tag`. Raises ValueError for a tag of another form."""
        phase, operation, outcome, kind, measure = tag.split(";")
        return cls(phase, operation, Outcome(outcome), kind, Measure(measure))


def response_interval_ns(scenario: Scenario) -> int:
    """Length of the intervals of response times in a trial of a scenario.

    With faults it is `INTERVAL_NS`, since windows are cut out of them. Without, a longer one serves as well: the
    longest multiple of it by a power of two (all lengths divide one another, so that bins of a chart can be made
    up of intervals) that leaves `MOST_BINS` for the whole and `FEWEST_IN_PHASE` for each phase that counts.
    """
    if any(phase.faults for phase in scenario.phases):
        return INTERVAL_NS
    shortest_s = min(phase.duration_s for phase in scenario.phases if not phase.warmup)
    longest_ns = 1e9 * min(scenario.duration_s / MOST_BINS, shortest_s / FEWEST_IN_PHASE)
    length_ns = INTERVAL_NS
    while 2 * length_ns <= longest_ns:
        length_ns *= 2
    return length_ns


def reading_every_s(scenario: Scenario) -> float:
    """How often generator and pool are read in a trial: each 0.1 s, but only four times in a longer interval."""
    return max(INTERVAL_NS, response_interval_ns(scenario) // 4) / 1e9


def bin_length_ns(length_ns: int) -> int:
    """The shortest of the same lengths that cuts `length_ns` into at most `MOST_BINS` bins."""
    bin_ns = INTERVAL_NS
    while MOST_BINS * bin_ns < length_ns:
        bin_ns *= 2
    return bin_ns


@dataclass(frozen=True, slots=True)
class Interval:
    """Latencies in nanoseconds of the requests of one series whose intended send lay in one interval.

    An interval may come in several parts (late answers are written when they are in); parts add up.
    """

    key: SeriesKey
    start_ns: int
    length_ns: int
    histogram: HdrHistogram


def new_histogram() -> HdrHistogram:
    """An empty histogram of nanoseconds: 1 us to 1 h, three significant digits."""
    return HdrHistogram(LOWEST_NS, HIGHEST_NS, SIGNIFICANT_FIGURES)


HLOG_HEADER = (
    "#[Histogram log format version 1.3]\n"
    "#[values in nanoseconds; Interval_Max in milliseconds; times in seconds since the trial's origin]\n"
    '"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"\n'
)
_HLOG_LINE = re.compile(r"Tag=([^,]+),([0-9.]+),([0-9.]+),[0-9.]+,([A-Za-z0-9+/=]+)\n?")


def encode_interval(interval: Interval) -> str:
    """One line of the standard histogram log, tagged with the series."""
    histogram = interval.histogram
    return (
        f"Tag={interval.key.tag()},{interval.start_ns / 1e9:.3f},{interval.length_ns / 1e9:.3f},"
        f"{histogram.get_max_value() / 1e6:.3f},{histogram.encode().decode('ascii')}\n"
    )


@dataclass(frozen=True, slots=True)
class EncodedInterval:
    """An interval whose histogram is still text, for readers that decode in bulk; `line` counts from 1."""

    tag: str
    start_ns: int
    length_ns: int
    payload: str
    line: int


def split_intervals(lines: Iterable[str]) -> Iterator[EncodedInterval]:
    """Read a histogram log without decoding it. Raises ValueError with the line's number where one is damaged."""
    for number, line in enumerate(lines, start=1):
        if line.startswith(("#", '"')) or not line.strip():
            continue
        match = _HLOG_LINE.fullmatch(line)
        if match is None:
            raise ValueError(f"line {number} is not a line of a histogram log")
        tag, start_s, length_s, payload = match.groups()
        yield EncodedInterval(tag, round(float(start_s) * 1e9), round(float(length_s) * 1e9), payload, number)


def decode_intervals(lines: Iterable[str]) -> Iterator[Interval]:
    """Read a histogram log. Raises ValueError with the line's number where a line is damaged."""
    for encoded in split_intervals(lines):
        try:
            histogram = HdrHistogram.decode(encoded.payload)
            key = SeriesKey.from_tag(encoded.tag)
        except Exception as error:
            raise ValueError(f"line {encoded.line} of the histogram log is damaged: {error}") from error
        yield Interval(key, encoded.start_ns, encoded.length_ns, histogram)


# --- marks: what happened when ---------------------------------------------------------------------------


class MarkKind(StrEnum):
    """Inject and heal are marked at both ends: what lies between is neither with nor without the fault."""

    LOAD_START = "load-start"
    PHASE_START = "phase-start"
    PHASE_END = "phase-end"
    INJECT_BEGIN = "inject-begin"
    INJECT_DONE = "inject-done"
    HEAL_BEGIN = "heal-begin"
    HEAL_DONE = "heal-done"
    PROVED = "proved"  # a probe through the proxy saw the fault, or its end; `detail` says what it saw
    UNPROVED = "unproved"  # the probe saw something else
    LOAD_END = "load-end"  # nothing more is started
    DRAINED = "drained"  # all answers are in, or were given up
    NOTE = "note"


class Mark(Record):
    """One event. `name` is the phase, or `<phase>/<n>:<fault kind>` for a fault; `planned_ns` where planned."""

    t_ns: int
    kind: MarkKind
    name: str = ""
    planned_ns: int | None = None
    detail: str = ""


# --- readings: gauges, sampled ---------------------------------------------------------------------------


class PoolReading(Record):
    """The target's own account of its pool (`GET /health/db`)."""

    source: Literal["pool"] = "pool"
    t_ns: int
    size: int
    checked_in: int
    checked_out: int
    overflow: int
    limit: int | None  # None: no pool, no limit
    waiting: int  # requests inside a checkout that has not ended
    checked_out_max: int  # since the target started
    opened_total: int
    closed_total: int
    invalidated_total: int
    timed_out_total: int
    requests_total: int = 0  # requests that took a connection, or tried to
    checkouts_total: int = 0
    statements_total: int = 0
    pings_total: int = 0


class TimesReading(Record):
    """How long connections were held (checkout to return) and took to be returned, since the last such reading.

    Taken from the target at the end of each phase (`POST /health/times/take`).
    """

    source: Literal["times"] = "times"
    t_ns: int
    phase: str
    of: Literal["held", "release"]
    count: int
    p50_ms: float | None
    p90_ms: float | None
    p99_ms: float | None
    max_ms: float | None


class DatabaseReading(Record):
    """Sessions of the target as PostgreSQL sees them (pg_stat_activity, read past the proxy)."""

    source: Literal["database"] = "database"
    t_ns: int
    active: int
    idle: int
    idle_in_transaction: int
    total: int


class GeneratorReading(Record):
    """The load generator: totals since the load began, and its own lateness."""

    source: Literal["generator"] = "generator"
    t_ns: int
    phase: str
    users: int  # closed users running; 0 under open arrivals
    in_flight: int
    started_total: int
    completed_total: int
    not_started_total: int  # kept back by the in-flight cap
    late_max_ms: float  # worst lateness of a start since the last reading
    loop_gap_max_ms: float = 0.0  # longest time since the last reading in which the generator's loop did not turn
    busiest_cpu_s: float | None = None  # since the load began, of the load process that has used most


class HostReading(Record):
    """Processor time: the whole host in per cent of all cores, processes in seconds since they started."""

    source: Literal["host"] = "host"
    t_ns: int
    cpu_percent: float
    steal_percent: float
    pressure_percent: float | None = None  # share of time in which some task waited for a processor (PSI, 10 s)
    target_cpu_s: float
    generator_cpu_s: float
    proxy_cpu_s: float
    database_cpu_s: float


class GapReading(Record):
    """A gauge that could not be read, and why; a hole in a chart has a reason."""

    source: Literal["gap"] = "gap"
    t_ns: int
    of: str
    reason: str


Reading = Annotated[
    PoolReading | TimesReading | DatabaseReading | GeneratorReading | HostReading | GapReading,
    Field(discriminator="source"),
]
_READING: TypeAdapter[Reading] = TypeAdapter(Reading)


def decode_reading(line: str) -> Reading:
    """One line of readings.jsonl. Raises pydantic.ValidationError, a ValueError."""
    return _READING.validate_json(line)


# --- manifest and trial ----------------------------------------------------------------------------------


class TrialSpec(Record):
    """One planned trial: one scenario against one target, once."""

    id: str  # folder name, such as `003-latency-sync-pool-r1`
    index: int
    scenario: str
    target: str
    repetition: int


class TargetInfo(Record):
    """What was tested; `settings` are those that the target itself reports (`GET /settings`)."""

    name: str
    title: str
    teaches: str
    same_as: str | None = None  # the target that this one repeats, for the noise floor (A/A)
    driver: str = ""
    settings: dict[str, Scalar | None] = Field(default_factory=dict)


class Environment(Record):
    """Where the run was done."""

    python: str
    platform: str
    kernel: str
    cpu_model: str
    cpu_count: int
    memory_mib: int
    load_1m: float
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
    cpu_limit: float | None = None  # processors that the container may use; None for no limit, or not known
    memory_limit_mib: int | None = None
    load_5m: float | None = None
    steal_known: bool | None = None  # whether the system counts time taken by other guests
    pressure_known: bool | None = None  # whether it tells how long tasks waited for a processor


class RunState(StrEnum):
    RUNNING = "running"
    FINISHED = "finished"
    INTERRUPTED = "interrupted"


class Manifest(Record):
    """`manifest.json`: what the run is; written at the start and again as its state changes."""

    format: Literal["poolstorm-run"] = "poolstorm-run"
    version: int = FORMAT_VERSION
    run_id: str
    created_at: datetime
    poolstorm_version: str
    state: RunState
    seed: int
    repetitions: int
    control: str  # target that the others are compared with
    scenarios: tuple[Scenario, ...]  # as run: overrides and scaling applied
    targets: tuple[TargetInfo, ...]
    trials: tuple[TrialSpec, ...]  # in the order in which they were to run
    environment: Environment
    finished_at: datetime | None = None


class TrialState(StrEnum):
    COMPLETED = "completed"
    FAILED = "failed"  # could not be carried through; `reason` says why
    ABORTED = "aborted"  # interrupted by the user
    INVALID = "invalid"  # ran, but its figures must not be used; `reason` says why


class Bank(Record):
    """The money before and after the trial, read past the proxy, and what the answers promised."""

    total_before_cents: int
    total_after_cents: int
    transfers_stored: int
    transfers_acknowledged: int
    negative_balances: int


class Conformance(Record):
    """One thing that a target was asked before the load or after it, and whether it answered as it must."""

    when: Literal["before", "after"]
    name: str  # such as `read-user` or `statements-per-read`
    passed: bool
    detail: str = ""


class TrialRecord(Record):
    """`trial.json`: one trial's identity, end and facts that are no time series."""

    format: Literal["poolstorm-trial"] = "poolstorm-trial"
    version: int = FORMAT_VERSION
    spec: TrialSpec
    state: TrialState
    reason: str = ""
    started_at: datetime
    duration_s: float
    origin_monotonic_ns: int
    target: TargetInfo
    pool_at_end: PoolReading | None = None  # after the drain
    bank: Bank | None = None
    conformance: tuple[Conformance, ...] = ()
    transactions: int | None = None  # all that PostgreSQL counted in the trial's database, after the target's end
    requests_served: int | None = None  # all that took a connection of the target's, for the same stretch
    cpu_s: dict[str, float] = Field(default_factory=dict)  # target, generator, proxy, database: during the load
    workers: int = 1  # load processes
    starting_s: dict[str, float] = Field(default_factory=dict)  # how long each part took to be ready
