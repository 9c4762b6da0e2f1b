"""A large run folder, written through the run format's own codecs without running anything.

Latencies are drawn from a seed; nothing in such a folder was measured, and it serves only to time its reading.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from harness.records import (
    HLOG_HEADER,
    INTERVAL_NS,
    LATENCY_FILE,
    MANIFEST_FILE,
    MARKS_FILE,
    PHASE_INTERVAL_NS,
    READINGS_FILE,
    TRIAL_FILE,
    TRIALS_DIR,
    Closing,
    Conformance,
    DatabaseReading,
    Environment,
    GeneratorReading,
    HostReading,
    Interval,
    Manifest,
    Mark,
    MarkKind,
    Measure,
    Outcome,
    PoolReading,
    Reading,
    RunState,
    SeriesKey,
    TargetInfo,
    TrialRecord,
    TrialSpec,
    TrialState,
    encode_interval,
    new_histogram,
    reading_every_s,
    response_interval_ns,
    sealed,
)
from harness.store import stream_of
from scenarios.model import Arrivals, Phase, Scenario

TARGETS = ("sync-pool", "async-pool", "no-pool")
VARIANTS = 50
"""So many different histograms of each measure are drawn, and used again and again."""
PARTS = {
    Measure.RESPONSE: 1.0,
    Measure.SERVICE: 0.98,
    Measure.ACQUIRE: 0.2,
    Measure.CONNECT: 0.02,
    Measure.PING: 0.1,
    Measure.QUERY: 0.3,
}
"""Of the response time."""
CREATED_AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
PHASE = "steady"


@dataclass(frozen=True, slots=True)
class Shape:
    """How the requests are spread: so many trials, each so long, at a constant rate."""

    trials: int
    duration_s: int
    rate_per_s: int

    @property
    def requests(self) -> int:
        """All requests of the run."""
        return self.trials * self.duration_s * self.rate_per_s


def write_run(path: Path, shape: Shape, seed: int) -> Path:
    """Write the run to `path`, which must not exist, with every reading that the samplers take."""
    scenario = Scenario(
        name="steady",
        title="Steady load",
        question="How long does the compiling take?",
        phases=(Phase(name=PHASE, duration_s=shape.duration_s, arrivals=Arrivals(rate_per_s=shape.rate_per_s)),),
    )
    targets = tuple(TargetInfo(name=name, title=name, teaches="how fast a report is") for name in TARGETS)
    specs = []
    for index in range(shape.trials):
        target, repetition = TARGETS[index % len(TARGETS)], index // len(TARGETS) + 1
        trial_id = f"{index:03d}-steady-{target}-r{repetition}"
        specs.append(TrialSpec(id=trial_id, index=index, scenario="steady", target=target, repetition=repetition))
    log = _log(shape, response_interval_ns(scenario), random.Random(seed))
    readings = "".join(reading.model_dump_json() + "\n" for reading in _readings(shape, reading_every_s(scenario)))
    for spec in specs:
        _write_trial(
            path / TRIALS_DIR / spec.id,
            spec,
            targets[spec.index % len(TARGETS)],
            scenario,
            log,
            readings,
            shape.duration_s * shape.rate_per_s,
        )
    manifest = Manifest(
        run_id=path.name,
        created_at=CREATED_AT,
        poolstorm_version="0.1.0",
        state=RunState.FINISHED,
        seed=seed,
        repetitions=-(-shape.trials // len(TARGETS)),
        control=TARGETS[0],
        scenarios=(scenario,),
        targets=targets,
        trials=tuple(specs),
        environment=_ENVIRONMENT,
        finished_at=CREATED_AT,
    )
    (path / MANIFEST_FILE).write_text(sealed(manifest.model_dump_json()))
    return path


_ENVIRONMENT = Environment(
    python="synthetic",
    platform="synthetic",
    kernel="synthetic",
    cpu_model="synthetic",
    cpu_count=1,
    memory_mib=1,
    load_1m=0,
    postgres="synthetic",
    database_origin="embedded",
    toxiproxy="synthetic",
)


def _write_trial(
    folder: Path,
    spec: TrialSpec,
    target: TargetInfo,
    scenario: Scenario,
    log: str,
    readings: str,
    requests: int,
) -> None:
    folder.mkdir(parents=True)
    end_ns = round(scenario.duration_s * 1e9)
    marks = (
        Mark(t_ns=0, kind=MarkKind.LOAD_START),
        Mark(t_ns=0, kind=MarkKind.PHASE_START, phase=PHASE, planned_ns=0),
        Mark(t_ns=end_ns, kind=MarkKind.PHASE_END, phase=PHASE, planned_ns=end_ns),
        Mark(t_ns=end_ns, kind=MarkKind.LOAD_END, planned_ns=end_ns),
        Mark(t_ns=end_ns + INTERVAL_NS, kind=MarkKind.DRAINED),
    )
    (folder / LATENCY_FILE).write_text(log)
    (folder / MARKS_FILE).write_text("".join(mark.model_dump_json() + "\n" for mark in marks))
    (folder / READINGS_FILE).write_text(readings)
    record = TrialRecord(
        run_id=folder.parents[1].name,
        spec=spec,
        state=TrialState.COMPLETED,
        started_at=CREATED_AT,
        duration_s=scenario.duration_s,
        origin_monotonic_ns=1,
        target=target,
        conformance=(Conformance(when="before", name="read-user", passed=True),),
        closing=Closing(
            streams={path.name: stream_of(path) for path in sorted(folder.iterdir())},
            requests={Outcome.OK: requests},
            started=requests,
        ),
    )
    (folder / TRIAL_FILE).write_text(sealed(record.model_dump_json()))


def _log(shape: Shape, interval_ns: int, rng: random.Random) -> str:
    """A trial's histogram log, line for line as the recorder writes it for single reads."""
    lines = [HLOG_HEADER]
    for measure in Measure:
        length_ns = interval_ns if measure is Measure.RESPONSE else PHASE_INTERVAL_NS
        key = SeriesKey(PHASE, "read_user", Outcome.OK, "-", measure)
        whole, rest_ns = divmod(round(shape.duration_s * 1e9), length_ns)
        tails = [_tail(key, length_ns, shape.rate_per_s, rng) for _ in range(min(VARIANTS, whole))]
        last = [_tail(key, rest_ns, shape.rate_per_s, rng)] if rest_ns else []
        for number, tail in enumerate([*(rng.choice(tails) for _ in range(whole)), *last]):
            lines.append(f"Tag={key.tag()},{number * length_ns / 1e9:.3f},{tail}")
    return "".join(lines)


def _tail(key: SeriesKey, length_ns: int, rate_per_s: int, rng: random.Random) -> str:
    """What follows the start's time on a line: a lognormal response time around 3 ms, or its usual part."""
    histogram = new_histogram()
    for _ in range(round(rate_per_s * length_ns / 1e9)):
        histogram.record_value(round(PARTS[key.measure] * rng.lognormvariate(1.0, 0.4) * 1e6))
    return encode_interval(Interval(key, 0, length_ns, histogram)).split(",", 2)[2]


def _readings(shape: Shape, every_s: float) -> Iterator[Reading]:
    """Gauges in the rhythm in which the samplers read them; their values hardly matter."""
    for tick in range(round(shape.duration_s / every_s)):
        t_s = (tick + 1) * every_s
        t_ns, total = round(t_s * 1e9), round(t_s * shape.rate_per_s)
        yield PoolReading(
            t_ns=t_ns, size=10, checked_in=7, checked_out=3, overflow=0, limit=30, waiting=0, checked_out_max=9,
            opened_total=10, closed_total=0, invalidated_total=0, timed_out_total=0, requests_total=total,
            checkouts_total=total, statements_total=total, pings_total=total,
        )  # fmt: skip
        yield GeneratorReading(
            t_ns=t_ns, phase=PHASE, users=0, in_flight=3, started_total=total, completed_total=total,
            not_started_total=0, late_max_ms=0.4, loop_gap_max_ms=0.4,
        )  # fmt: skip
        if tick % 2 == 0:
            yield DatabaseReading(t_ns=t_ns, active=1, idle=9, idle_in_transaction=0, total=10)
        if tick % max(round(0.5 / every_s), 1) == 0:
            yield HostReading(
                t_ns=t_ns, cpu_percent=60.0, steal_percent=0.0, cpu_s={"app": t_s / 2, "generator": t_s / 4,
                "proxy": t_s / 10, "primary": t_s / 5}, )  # fmt: skip
