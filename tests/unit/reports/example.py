"""A synthetic run that looks like a real one, for golden outputs and for the HTML report's tests.

The figures are simulated from a seed (nothing here was measured): three targets and one of them again;
baseline, latency, round-trips, dropped-connections and exhaustion; three repetitions; one trial that failed and
one that is invalid.
"""

from __future__ import annotations

import heapq
import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from harness.records import (
    Bank,
    Conformance,
    DatabaseReading,
    GapReading,
    GeneratorReading,
    HostReading,
    MarkKind,
    Outcome,
    Place,
    Side,
    TargetInfo,
    TimesReading,
    TrialState,
)
from scenarios.model import Arrivals, Check, FaultSpec, Phase, Scenario
from tests.unit.reports.builder import Request, TrialBuilder, ns, pool_reading, write_run

STEADY = Arrivals(rate_per_s=40)
DRAINED = Check(kind="no-leaked-connections")
LADDER_MS = (0, 4, 8, 16)
STATEMENTS = {"read": 1, "transfer": 5, "hold": 1}
SCENARIOS = (
    Scenario(
        name="baseline",
        title="Steady load",
        question="What does a request cost in each target when nothing is wrong?",
        phases=(
            Phase(name="warm-up", duration_s=1.0, arrivals=STEADY, warmup=True),
            Phase(name="steady", duration_s=4.0, arrivals=STEADY),
        ),
        checks=(Check(kind="no-errors-outside-faults"), Check(kind="money-is-conserved"), DRAINED),
    ),
    Scenario(
        name="latency",
        title="Latency between service and database",
        question="What does each millisecond between service and database add to a request?",
        phases=(
            Phase(name="warm-up", duration_s=0.5, arrivals=STEADY, behaviour="reader", warmup=True),
            Phase(name="near", duration_s=1.5, arrivals=STEADY, behaviour="reader"),
            Phase(
                name="far",
                duration_s=3.0,
                arrivals=STEADY,
                behaviour="reader",
                faults=(
                    FaultSpec(
                        kind="latency", at_s=0.5, duration_s=2.0, settings={"latency_ms": 10, "jitter_ms": 2}
                    ),
                ),
            ),
        ),
        checks=(Check(kind="no-errors-outside-faults"), Check(kind="recovers-within", limit=1000), DRAINED),
    ),
    Scenario(
        name="round-trips",
        title="Round trips",
        question="How many times in a row does one request wait for the database?",
        phases=tuple(
            Phase(
                name=f"latency-{latency_ms}-ms",
                duration_s=1.6,
                users=1,
                behaviour="reader",
                faults=(
                    (FaultSpec(kind="latency", at_s=0, duration_s=1.5, settings={"latency_ms": latency_ms}),)
                    if latency_ms
                    else ()
                ),
            )
            for latency_ms in LADDER_MS
        ),
        checks=(DRAINED,),
    ),
    Scenario(
        name="dropped-connections",
        title="Dropped connections",
        question="What do clients see while connections are swallowed or refused, and when is all well again?",
        phases=(
            Phase(name="warm-up", duration_s=0.5, arrivals=STEADY, warmup=True),
            Phase(
                name="blackhole",
                duration_s=3.0,
                arrivals=STEADY,
                faults=(FaultSpec(kind="timeout", at_s=0.5, duration_s=1.0),),
            ),
            Phase(
                name="outage",
                duration_s=3.0,
                arrivals=STEADY,
                faults=(FaultSpec(kind="proxy-down", at_s=0.5, duration_s=1.0),),
            ),
        ),
        checks=(
            Check(kind="recovers-within", limit=1000),
            Check(kind="fails-fast", limit=1000),
            Check(kind="money-is-conserved"),
            DRAINED,
        ),
    ),
    Scenario(
        name="exhaustion",
        title="Exhaustion",
        question="At how many requests at once does the pool run out, and what do clients see then?",
        phases=(
            Phase(name="warm-up", duration_s=0.6, users=2, behaviour="holder", warmup=True),
            *(
                Phase(name=f"users-{users}", duration_s=1.5, users=users, behaviour="holder")
                for users in (10, 20, 30, 40, 60)
            ),
        ),
        pool={"pool_timeout_s": 0.1},
        checks=(Check(kind="exhausts"), DRAINED),
    ),
)


@dataclass(frozen=True)
class Character:
    """How a simulated target behaves: its read in ms, round trips through the proxy, and its pool's limit."""

    info: TargetInfo
    read_ms: float
    round_trips: int
    limit: int | None


def _info(
    name: str, teaches: str, driver: str, size: int, overflow: int, repeats: str | None = None
) -> TargetInfo:
    pooled = size > 0
    return TargetInfo(
        name=name,
        title=name,
        teaches=teaches,
        place=None if repeats is None else Place(pair=repeats, side=Side.TWIN, position=2),
        driver=driver,
        settings={
            "pool_size": size if pooled else None,
            "max_overflow": overflow if pooled else None,
            "pool_timeout_s": 30.0 if pooled else None,
            "pool_recycle_s": 3600 if pooled else None,
            "pre_ping": True if pooled else None,
            "connect_timeout_s": None,
            "threadpool_tokens": 40,
        },
    )


CHARACTERS = (
    Character(_info("sync-pool", "a synchronous pool", "psycopg2", 10, 20), 3.1, 3, 30),
    Character(_info("sync-pool-again", "the noise floor", "psycopg2", 10, 20, "sync-pool"), 3.1, 3, 30),
    Character(_info("async-pool", "an asynchronous pool", "asyncpg", 10, 20), 2.6, 3, 30),
    Character(_info("no-pool", "a connection a request", "psycopg2", 0, 0), 8.4, 4, None),
)


def example_run(path: Path, *, repetitions: int = 3, seed: int = 7) -> Path:
    """Write the example to `path` and return it. The same seed gives the same files."""
    trials = simulated(SCENARIOS, repetitions, random.Random(seed))
    lost = next(t for t in reversed(trials) if t.scenario.name == "latency" and t.target.name == "no-pool")
    lost.state = TrialState.FAILED
    lost.reason = "target no-pool did not answer /health/live within 15 s"
    lost.requests, lost.marks, lost.readings, lost.bank, lost.pool_at_end = [], [], [], None, None
    wrong = next(t for t in trials if t.scenario.name == "baseline" and t.target.name == "async-pool")
    wrong.conformance = (
        *wrong.conformance,
        Conformance(when="after", name="statements-per-read", passed=False, detail="2 statements, 1 expected"),
    )
    return write_run(path, trials, control="sync-pool", seed=seed)


def simulated(scenarios: Sequence[Scenario], repetitions: int, rng: random.Random) -> list[TrialBuilder]:
    """Trials of all scenarios and characters, block by block of one repetition."""
    return [
        _trial(scenario, character, repetition, rng)
        for repetition in range(1, repetitions + 1)
        for scenario in scenarios
        for character in CHARACTERS
    ]


def _trial(scenario: Scenario, character: Character, repetition: int, rng: random.Random) -> TrialBuilder:
    trial = TrialBuilder(scenario, character.info, repetition)
    trial.mark_phases()
    starts_s = 0.0
    for phase in scenario.phases:
        for number, fault in enumerate(phase.faults, start=1):
            _mark_fault(trial, f"{phase.name}/{number}:{fault.kind}", starts_s + fault.at_s, fault, rng)
        if phase.users == 1:
            trial.requests.extend(_one_by_one(phase, starts_s, character, rng))
        elif phase.users:
            trial.requests.extend(_closed(phase, starts_s, character, rng))
        else:
            trial.requests.extend(_open(phase, starts_s, character, rng))
        starts_s += phase.duration_s
    _add_readings(trial, character, rng)
    transfers = sum(r.operation == "transfer" and r.outcome is Outcome.OK for r in trial.requests)
    trial.bank = Bank(
        total_before_cents=100_000_000,
        total_after_cents=100_000_000,
        transfers_stored=transfers,
        transfers_acknowledged=transfers,
        negative_balances=0,
    )
    return trial


def _mark_fault(trial: TrialBuilder, name: str, planned_s: float, fault: FaultSpec, rng: random.Random) -> None:
    for begin, done, at_s in (
        (MarkKind.INJECT_BEGIN, MarkKind.INJECT_DONE, planned_s),
        (MarkKind.HEAL_BEGIN, MarkKind.HEAL_DONE, planned_s + fault.duration_s),
    ):
        late_s = rng.uniform(0.0005, 0.004)
        trial.mark(at_s + late_s, begin, name, planned_s=at_s)
        trial.mark(at_s + late_s + rng.uniform(0.001, 0.003), done, name, planned_s=at_s)
        trial.mark(at_s + late_s + 0.004, MarkKind.PROVED, name, planned_s=at_s)


def _open(phase: Phase, starts_s: float, character: Character, rng: random.Random) -> Iterator[Request]:
    assert phase.arrivals is not None
    for number in range(round(phase.duration_s * phase.arrivals.rate_per_s)):
        into_s = number / phase.arrivals.rate_per_s
        operation = "transfer" if phase.behaviour == "mixed" and number % 4 == 3 else "read"
        usual_ms = character.read_ms * (2 if operation == "transfer" else 1) * rng.lognormvariate(0, 0.25)
        fault = next((f for f in phase.faults if f.at_s <= into_s < f.ends_at_s), None)
        latency_ms, outcome, kind = _under(fault, into_s, usual_ms, character, rng)
        service_ms = max(latency_ms - 0.2, 0.1)
        yield Request(
            phase.name,
            starts_s + into_s,
            latency_ms,
            outcome,
            kind,
            operation,
            service_ms,
            *_parts(service_ms, character),
        )


def _parts(service_ms: float, character: Character) -> tuple[float, float, float, float]:
    """Acquire, connect, ping and query of a request, as shares of its service time."""
    connect_ms, ping_ms = (0.55 * service_ms, 0.0) if character.limit is None else (0.0, 0.25 * service_ms)
    return connect_ms + ping_ms + 0.02 * service_ms, connect_ms, ping_ms, 0.3 * service_ms


def _one_by_one(phase: Phase, starts_s: float, character: Character, rng: random.Random) -> Iterator[Request]:
    """One user without a pause: each round trip waits for the phase's latency."""
    into_s = 0.001
    while into_s < phase.duration_s:
        latency_ms = character.read_ms * rng.lognormvariate(0, 0.1)
        for fault in phase.faults:
            if fault.at_s <= into_s < fault.ends_at_s:
                latency_ms += character.round_trips * float(fault.settings["latency_ms"])
        parts = _parts(latency_ms, character)
        yield Request(phase.name, starts_s + into_s, latency_ms, Outcome.OK, "-", "read", latency_ms, *parts)
        into_s += latency_ms / 1000 + 0.0002


def _under(
    fault: FaultSpec | None, into_s: float, usual_ms: float, character: Character, rng: random.Random
) -> tuple[float, Outcome, str]:
    if fault is None:
        return usual_ms, Outcome.OK, "-"
    if fault.kind == "latency":
        delay_ms = sum(10 + rng.uniform(-2, 2) for _ in range(character.round_trips))
        return usual_ms + delay_ms, Outcome.OK, "-"
    if fault.kind == "timeout":
        stalled_ms = (fault.ends_at_s - into_s) * 1000 + 5 + rng.uniform(0, 20)
        if rng.random() < 0.3:
            return stalled_ms, Outcome.FAILED, "database-unavailable"
        return stalled_ms + usual_ms, Outcome.OK, "-"
    return 2 + usual_ms * 0.3, Outcome.FAILED, "database-unavailable"


def _closed(phase: Phase, starts_s: float, character: Character, rng: random.Random) -> Iterator[Request]:
    """Each user holds a connection for 500 ms, again and again; past the limit it is refused after 100 ms."""
    assert phase.users is not None
    ready = [(user * 0.002, user) for user in range(phase.users)]
    held_until_s: list[float] = []
    while ready:
        into_s, user = heapq.heappop(ready)
        if into_s >= phase.duration_s:
            continue
        while held_until_s and held_until_s[0] <= into_s:
            heapq.heappop(held_until_s)
        free_in_s = 0.0
        if character.limit is not None and len(held_until_s) >= character.limit:
            free_in_s = heapq.nsmallest(len(held_until_s) - character.limit + 1, held_until_s)[-1] - into_s
        if free_in_s > 0.1:
            latency_ms, outcome, kind = 100 + rng.uniform(1, 4), Outcome.REFUSED, "pool-exhausted"
        else:
            latency_ms, outcome, kind = 500 + free_in_s * 1000 + character.read_ms, Outcome.OK, "-"
            heapq.heappush(held_until_s, into_s + latency_ms / 1000)
        parts = (free_in_s * 1000 + 0.1, 0.0, 0.0, 500.0)
        yield Request(phase.name, starts_s + into_s, latency_ms, outcome, kind, "hold", latency_ms, *parts)
        heapq.heappush(ready, (into_s + latency_ms / 1000 + 0.001, user))


def _add_readings(trial: TrialBuilder, character: Character, rng: random.Random) -> None:
    """Gauges every 100 ms, worked out from the simulated requests; one pool reading is a gap."""
    ends_s = trial.scenario.duration_s
    spans = sorted((r.sent_s, r.sent_s + r.latency_ms / 1000, r.outcome) for r in trial.requests)
    most = 0
    for step in range(round(ends_s * 10) + 1):
        at_s = step / 10
        under_way = [outcome for sent_s, done_s, outcome in spans if sent_s <= at_s < done_s]
        holding = sum(outcome is not Outcome.REFUSED for outcome in under_way)
        out = holding if character.limit is None else min(holding, character.limit)
        most = max(most, out)
        if step == 17:
            trial.readings.append(GapReading(t_ns=ns(at_s), of="pool", reason="read timed out"))
        else:
            waiting = len(under_way) - out
            totals = _totals(trial, character, at_s)
            reading = pool_reading(
                at_s, out, limit=character.limit, checked_out_max=most, waiting=waiting, **totals
            )
            trial.readings.append(reading)
        trial.readings.append(_generator(trial, at_s, len(under_way), spans, rng))
        if step % 2 == 0:
            trial.readings.append(
                DatabaseReading(
                    t_ns=ns(at_s), active=out, idle=max(most - out, 0), idle_in_transaction=0, total=max(most, out)
                )
            )
        if step % 5 == 0:
            trial.readings.append(_host(at_s, rng))
    totals = _totals(trial, character, ends_s + 1)
    trial.pool_at_end = pool_reading(ends_s + 0.1, 0, limit=character.limit, checked_out_max=most, **totals)
    trial.transactions = totals["requests_total"] + totals["opened_total"]
    trial.cpu_s = {
        "app": 0.2 * ends_s,
        "generator": 0.15 * ends_s,
        "proxy": 0.02 * ends_s,
        "primary": 0.1 * ends_s,
    }
    ends_s = 0.0
    for phase in trial.scenario.phases:
        ends_s += phase.duration_s
        held_ms = sorted(r.query_ms + r.connect_ms + r.ping_ms for r in trial.requests if r.phase == phase.name)
        trial.readings.append(_times(ends_s, phase.name, "held", held_ms))
        trial.readings.append(_times(ends_s, phase.name, "release", [0.05 * value for value in held_ms]))


def _totals(trial: TrialBuilder, character: Character, at_s: float) -> dict[str, int]:
    """What a target would have counted by then, had each request taken one connection."""
    sent = [request.operation for request in trial.requests if request.sent_s < at_s]
    return {
        "requests_total": len(sent),
        "checkouts_total": len(sent),
        "statements_total": sum(STATEMENTS[operation] for operation in sent),
        "pings_total": 0 if character.limit is None else len(sent),
        "opened_total": len(sent) if character.limit is None else min(len(sent), 12),
    }


def _times(at_s: float, phase: str, of: Literal["held", "release"], sorted_ms: list[float]) -> TimesReading:
    def rank(share: float) -> float | None:
        return round(sorted_ms[math.ceil(share * len(sorted_ms)) - 1], 3) if sorted_ms else None

    return TimesReading(
        t_ns=ns(at_s),
        phase=phase,
        of=of,
        count=len(sorted_ms),
        p50_ms=rank(0.5),
        p90_ms=rank(0.9),
        p99_ms=rank(0.99),
        max_ms=rank(1.0),
    )


def _generator(
    trial: TrialBuilder, at_s: float, in_flight: int, spans: list[tuple[float, float, Outcome]], rng: random.Random
) -> GeneratorReading:
    into_s, phase = at_s, trial.scenario.phases[-1]
    for candidate in trial.scenario.phases:
        if into_s < candidate.duration_s:
            phase = candidate
            break
        into_s -= candidate.duration_s
    return GeneratorReading(
        t_ns=ns(at_s),
        phase=phase.name,
        users=phase.users or 0,
        in_flight=in_flight,
        started_total=sum(sent_s <= at_s for sent_s, _, _ in spans),
        completed_total=sum(done_s <= at_s for _, done_s, _ in spans),
        not_started_total=0,
        late_max_ms=rng.uniform(0.1, 2.0),
    )


def _host(at_s: float, rng: random.Random) -> HostReading:
    return HostReading(
        t_ns=ns(at_s),
        cpu_percent=rng.uniform(30, 55),
        steal_percent=rng.uniform(0, 0.5),
        cpu_s={"app": 0.2 * at_s, "generator": 0.15 * at_s, "proxy": 0.02 * at_s, "primary": 0.1 * at_s},
    )
