"""Writes synthetic run folders through the codecs of `harness.records`: known figures in, known figures out.

`RunBuilder` and `TrialBuilder` put requests, marks and readings of a test's choosing on disk. `example_run`
in `tests.unit.reports.example` simulates a whole run that looks like a real one.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hdrh.histogram import HdrHistogram

from harness.records import (
    FORMAT_VERSION,
    HLOG_HEADER,
    INTERVAL_NS,
    LATENCY_FILE,
    MANIFEST_FILE,
    MARKS_FILE,
    PHASE_INTERVAL_NS,
    READINGS_FILE,
    STORED_FILE,
    TRIAL_FILE,
    TRIALS_DIR,
    WRITES_FILE,
    Bank,
    Closing,
    Conformance,
    DatabaseReading,
    Environment,
    Interval,
    Manifest,
    Mark,
    MarkKind,
    Measure,
    Outcome,
    PathAnswer,
    Place,
    PoolReading,
    Reading,
    RouteCost,
    RunState,
    SeriesKey,
    Side,
    SlowLogged,
    Stored,
    TargetInfo,
    TrialRecord,
    TrialSpec,
    TrialState,
    Write,
    encode_interval,
    new_histogram,
    sealed,
)
from harness.store import stream_of
from scenarios.model import Arrivals, Phase, Scenario

NS_PER_S = 1_000_000_000
CREATED_AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

ENVIRONMENT = Environment(
    python="3.11.9",
    platform="Linux",
    kernel="6.1.0",
    cpu_model="Example CPU",
    cpu_count=2,
    memory_mib=7936,
    load_1m=0.42,
    postgres="18.1",
    postgres_settings={"fsync": "off", "max_connections": "100"},
    database_origin="embedded",
    toxiproxy="2.12.0",
    packages={"fastapi": "0.165.0", "sqlalchemy": "2.1.0"},
)


RIGHT_BEFORE = Conformance(when="before", name="read-user", passed=True)
RIGHT_AFTER = Conformance(when="after", name="read-user", passed=True)


def ns(seconds: float) -> int:
    """Seconds as nanoseconds."""
    return round(seconds * NS_PER_S)


def plain_name(name: str) -> str:
    """One that a run or a trial may have, also where it is made of a wild one."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", name)


def one_phase(name: str = "steady", duration_s: float = 2.0, rate_per_s: float = 50) -> Phase:
    """An open phase without faults."""
    return Phase(name=name, duration_s=duration_s, arrivals=Arrivals(rate_per_s=rate_per_s))


def target_info(
    name: str, settings: dict[str, int | float | str | bool | None] | None = None, repeats: str | None = None
) -> TargetInfo:
    """A target of this name; without settings unless some are given."""
    return TargetInfo(
        name=name,
        title=name,
        teaches=f"what {name} does",
        place=None if repeats is None else Place(pair=repeats, side=Side.TWIN, position=2),
        driver="psycopg2",
        settings=settings or {},
    )


def pool_reading(t_s: float, checked_out: int, *, limit: int | None = 30, **more: int) -> PoolReading:
    """A pool gauge of a pool of 10 + 20, or of no pool when `limit` is None."""
    size = 10 if limit is not None else 0
    values: dict[str, int] = {
        "size": size,
        "checked_in": max(size - checked_out, 0),
        "overflow": max(checked_out - size, 0) if limit is not None else 0,
        "waiting": 0,
        "checked_out_max": checked_out,
        "opened_total": checked_out,
        "closed_total": 0,
        "invalidated_total": 0,
        "timed_out_total": 0,
        **more,
    }
    return PoolReading.model_validate({"t_ns": ns(t_s), "checked_out": checked_out, "limit": limit, **values})


@dataclass(frozen=True, slots=True)
class Request:
    """One request: when it was meant to be sent, how long it took (response time), and how it ended.

    Successes bear a believed Server-Timing, unless `acquire_ms` is None.
    """

    phase: str
    sent_s: float
    latency_ms: float
    outcome: Outcome = Outcome.OK
    kind: str = "-"
    operation: str = "read"
    service_ms: float | None = None  # None: the same as the response time
    acquire_ms: float | None = 0.1
    connect_ms: float = 0.0
    ping_ms: float = 0.0
    query_ms: float = 0.2
    refused_after_ms: float | None = None

    def measured(self) -> Iterator[tuple[Measure, float]]:
        """Each measure with its milliseconds."""
        yield Measure.RESPONSE, self.latency_ms
        yield Measure.SERVICE, self.latency_ms if self.service_ms is None else self.service_ms
        if self.acquire_ms is not None and self.outcome is Outcome.OK:
            yield Measure.ACQUIRE, self.acquire_ms
            yield Measure.CONNECT, self.connect_ms
            yield Measure.PING, self.ping_ms
            yield Measure.QUERY, self.query_ms
        if self.refused_after_ms is not None and self.outcome is Outcome.REFUSED:
            yield Measure.ACQUIRE, self.refused_after_ms


@dataclass
class TrialBuilder:
    """One trial's folder, filled step by step."""

    scenario: Scenario
    target: TargetInfo
    repetition: int = 1
    index: int = 0
    state: TrialState = TrialState.COMPLETED
    reason: str = ""
    bank: Bank | None = None
    pool_at_end: PoolReading | None = None
    sessions_before: DatabaseReading | None = None
    sessions_at_end: DatabaseReading | None = None
    slow_log: tuple[SlowLogged, ...] | None = None
    conformance: tuple[Conformance, ...] = (RIGHT_BEFORE, RIGHT_AFTER)
    answers: tuple[PathAnswer, ...] = ()
    transactions: int | None = None
    route_costs: tuple[RouteCost, ...] = ()
    subject_ended: str = ""
    cpu_s: dict[str, float] = field(default_factory=dict)
    workers: int = 1
    notes: tuple[str, ...] = ()
    requests: list[Request] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)
    writes: list[Write] = field(default_factory=list)
    stored: list[Stored] = field(default_factory=list)
    reading_every_s: float | None = None
    version: int = FORMAT_VERSION
    run_id: str | None = None  # None: the name of the run's folder

    @property
    def spec(self) -> TrialSpec:
        """The trial's place in the plan."""
        name = f"{self.index:03d}-{self.scenario.name}-{self.target.name}-r{self.repetition}"
        return TrialSpec(
            id=plain_name(name),
            index=self.index,
            scenario=self.scenario.name,
            target=self.target.name,
            repetition=self.repetition,
        )

    def mark(self, t_s: float, kind: MarkKind, name: str = "", planned_s: float | None = None) -> None:
        """Add one mark; `name` is a phase, or a fault as `<phase>/<number>:<fault>`."""
        planned_ns = None if planned_s is None else ns(planned_s)
        phase, _, rest = name.partition("/")
        number, _, fault = rest.partition(":")
        part = "primary-link" if fault else ""
        self.marks.append(
            Mark(
                t_ns=ns(t_s),
                kind=kind,
                phase=phase,
                number=int(number or 0),
                fault=fault,
                part=part,
                planned_ns=planned_ns,
            )
        )

    def mark_phases(self) -> None:
        """Mark load and phases exactly as planned, from second 0 on."""
        self.mark(0, MarkKind.LOAD_START)
        at_s = 0.0
        for phase in self.scenario.phases:
            self.mark(at_s, MarkKind.PHASE_START, phase.name, planned_s=at_s)
            at_s += phase.duration_s
            self.mark(at_s, MarkKind.PHASE_END, phase.name, planned_s=at_s)
        self.mark(at_s, MarkKind.LOAD_END)
        self.mark(at_s + 0.1, MarkKind.DRAINED)

    def mark_fault(
        self, name: str, *, planned_s: float, heal_planned_s: float, takes_s: float = 0.0, proved: bool = True
    ) -> None:
        """Mark an injection and its healing on time, each taking `takes_s`, and the proof of both."""
        self.mark(planned_s, MarkKind.INJECT_BEGIN, name, planned_s)
        self.mark(planned_s + takes_s, MarkKind.INJECT_DONE, name, planned_s)
        self.mark(heal_planned_s, MarkKind.HEAL_BEGIN, name, heal_planned_s)
        self.mark(heal_planned_s + takes_s, MarkKind.HEAL_DONE, name, heal_planned_s)
        if proved:
            self.mark(planned_s + takes_s, MarkKind.PROVED, name, planned_s)
            self.mark(heal_planned_s + takes_s, MarkKind.PROVED, name, heal_planned_s)

    def write(self, run: Path) -> Path:
        """Write the folder below `run`; what a trial that was not completed lacks gets no file."""
        folder = run / TRIALS_DIR / self.spec.id
        folder.mkdir(parents=True)
        whole = self.state is TrialState.COMPLETED
        if whole or self.requests:
            (folder / LATENCY_FILE).write_text(HLOG_HEADER + "".join(self._hlog_lines()))
        if whole or self.marks:
            marks = sorted(self.marks, key=lambda mark: mark.t_ns)
            (folder / MARKS_FILE).write_text("".join(mark.model_dump_json() + "\n" for mark in marks))
        if whole or self.readings:
            readings = sorted(self.readings, key=lambda reading: reading.t_ns)
            (folder / READINGS_FILE).write_text("".join(r.model_dump_json() + "\n" for r in readings))
        if self.writes:
            (folder / WRITES_FILE).write_text("".join(write.model_dump_json() + "\n" for write in self.writes))
        if self.stored:
            (folder / STORED_FILE).write_text("".join(one.model_dump_json() + "\n" for one in self.stored))
        write_document(folder / TRIAL_FILE, self._record(folder, self.run_id or plain_name(run.name)))
        return folder

    def _closing(self, folder: Path) -> Closing | None:
        """As the harness closes a trial; None in format 1."""
        if self.version < 2:
            return None
        streams = {path.name: stream_of(path) for path in sorted(folder.iterdir())}
        outcomes = Counter(request.outcome for request in self.requests)
        return Closing(streams=streams, requests=dict(outcomes), started=len(self.requests))

    def _record(self, folder: Path, run_id: str) -> TrialRecord:
        return TrialRecord(
            version=self.version,
            run_id=run_id if self.version > 1 else None,
            closing=self._closing(folder),
            reading_every_s=self.reading_every_s,
            spec=self.spec,
            state=self.state,
            reason=self.reason,
            started_at=CREATED_AT + timedelta(seconds=10 * self.index),
            duration_s=self.scenario.duration_s,
            origin_monotonic_ns=1_000_000,
            target=self.target,
            pool_at_end=self.pool_at_end,
            sessions_before=self.sessions_before,
            sessions_at_end=self.sessions_at_end,
            bank=self.bank,
            slow_log=self.slow_log,
            conformance=self.conformance,
            answers=self.answers,
            transactions=self.transactions,
            route_costs=self.route_costs,
            subject_ended=self.subject_ended,
            cpu_s=self.cpu_s,
            workers=self.workers,
            notes=self.notes,
        )

    def _hlog_lines(self) -> list[str]:
        cells: dict[tuple[int, SeriesKey], HdrHistogram] = defaultdict(new_histogram)
        for request, count in Counter(self.requests).items():
            for measure, value_ms in request.measured():
                length_ns = _length_ns(measure)
                start_ns = ns(request.sent_s) // length_ns * length_ns
                key = SeriesKey(request.phase, request.operation, request.outcome, request.kind, measure)
                cells[start_ns, key].record_value(max(round(value_ms * 1e6), 1), count)
        ordered = sorted(cells.items(), key=lambda item: (item[0][0], item[0][1].tag()))
        return [
            encode_interval(Interval(key, start_ns, _length_ns(key.measure), histogram))
            for (start_ns, key), histogram in ordered
        ]


def _length_ns(measure: Measure) -> int:
    """As recorded: response times on intervals of 0.1 s, all else on longer ones."""
    return INTERVAL_NS if measure is Measure.RESPONSE else PHASE_INTERVAL_NS


def write_document(path: Path, record: Manifest | TrialRecord) -> None:
    """As the harness writes it: sealed since format 2."""
    text = record.model_dump_json(indent=2, exclude={"closing"} if record.version < 2 else None)
    path.write_text(sealed(text) if record.version > 1 else text + "\n")


def reseal(path: Path, **changes: object) -> None:
    """Change fields of a document as a hostile writer would, with a seal that fits."""
    path.write_text(sealed(json.dumps({**json.loads(path.read_text()), **changes})))


def write_run(path: Path, trials: list[TrialBuilder], *, control: str | None = None, **changes: object) -> Path:
    """Write manifest and trials to `path`; `changes` replace manifest fields, the first target is the control."""
    scenarios = {trial.scenario.name: trial.scenario for trial in trials}
    targets = {trial.target.name: trial.target for trial in trials}
    path.mkdir(parents=True, exist_ok=True)
    for index, trial in enumerate(trials):
        trial.index = index
        trial.write(path)
    manifest = Manifest(
        version=trials[0].version if trials else FORMAT_VERSION,
        run_id=plain_name(path.name),
        created_at=CREATED_AT,
        poolstorm_version="0.1.0",
        state=RunState.FINISHED,
        seed=7,
        repetitions=max(trial.repetition for trial in trials),
        control=control or next(iter(targets)),
        scenarios=tuple(scenarios.values()),
        targets=tuple(targets.values()),
        trials=tuple(trial.spec for trial in trials),
        environment=ENVIRONMENT,
        finished_at=CREATED_AT + timedelta(minutes=3),
    ).model_copy(update=changes)
    write_document(path / MANIFEST_FILE, manifest)
    return path


def example_run(path: Path, *, repetitions: int = 3, seed: int = 7) -> Path:
    """A rich synthetic run (`tests.unit.reports.example`), written to `path`."""
    from tests.unit.reports import example

    return example.example_run(path, repetitions=repetitions, seed=seed)
