"""A summary such as a run of the stock scenarios gives, made up from a seed: no run stands behind its figures."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime

from reports.summary import (
    Caveat,
    CheckResult,
    CheckVerdict,
    ErrorCount,
    Exhaustion,
    FaultWindow,
    GaugePoint,
    LadderStep,
    Latency,
    PhaseInfo,
    PhaseResult,
    Ratio,
    RunInfo,
    ScenarioResult,
    Summary,
    TargetResult,
    Timeline,
    TimePoint,
    TrialLine,
)

TARGETS = ("sync-pool", "async-pool", "no-pool", "async-no-pool", "recommended")
LIMITS = {"sync-pool": 30, "async-pool": 30, "no-pool": None, "async-no-pool": None, "recommended": 50}
BASE_MS = {"sync-pool": 4.1, "async-pool": 3.2, "no-pool": 11.7, "async-no-pool": 16.3, "recommended": 4.2}
LADDER = (10, 20, 30, 40, 50, 60, 80, 110)
PHASES: dict[str, tuple[tuple[str, float, str, tuple[str, ...]], ...]] = {
    "baseline": (("warm-up", 1.5, "50/s constant", ()), ("steady", 5.0, "50/s poisson", ())),
    "latency": (
        ("warm-up", 1.0, "40/s constant", ()),
        ("near", 2.0, "40/s constant", ()),
        ("far", 3.0, "40/s constant", ("latency 10 ms from 0 s for 2.8 s",)),
        ("jittery", 2.0, "40/s constant", ("latency 10 ms +-8 ms from 0 s for 1.8 s",)),
    ),
    "dropped-connections": (
        ("warm-up", 1.0, "40/s constant", ()),
        ("reset", 2.2, "40/s constant", ("reset-peer from 0.2 s for 0.8 s",)),
        ("blackhole", 2.8, "40/s constant", ("timeout from 0.2 s for 1 s",)),
        ("outage", 2.4, "40/s constant", ("proxy-down from 0.2 s for 1 s",)),
    ),
    "exhaustion": (
        ("warm-up", 0.6, "2 users", ()),
        *((f"users-{users}", 1.1, f"{users} users", ()) for users in LADDER),
    ),
    "spike": (
        ("warm-up", 1.0, "20/s constant", ()),
        ("before", 1.5, "20/s constant", ()),
        ("burst", 1.0, "250/s poisson", ()),
        ("after", 3.5, "20/s constant", ()),
    ),
}
TITLES = {
    "baseline": ("Steady load", "What does a request cost in each target when nothing is wrong?"),
    "latency": (
        "Latency between service and database",
        "What does each millisecond between service and database add to a request?",
    ),
    "dropped-connections": (
        "Dropped connections",
        "What do clients see while connections are reset, swallowed or refused, and when is all well again?",
    ),
    "exhaustion": (
        "Exhaustion",
        "At how many requests at once does the pool run out, and what do clients see then?",
    ),
    "spike": ("Spike", "What does a sudden burst cost, and how long until it is forgotten?"),
}
FAULTS = {"far": ("latency", 0.0, 2.8), "jittery": ("latency", 0.0, 1.8), "reset": ("reset-peer", 0.2, 0.8)}
FAULTS |= {"blackhole": ("timeout", 0.2, 1.0), "outage": ("proxy-down", 0.2, 1.0)}
EMPTY = Latency(count=0, p50_ms=None, p90_ms=None, p99_ms=None, p999_ms=None, max_ms=None, mean_ms=None)


def latency(count: int, p50_ms: float, spread: float = 2.5) -> Latency:
    """A plausible distribution; percentiles that need more requests than there were are None."""
    if count == 0:
        return EMPTY
    return Latency(
        count=count,
        p50_ms=p50_ms,
        p90_ms=p50_ms * spread**0.6,
        p99_ms=p50_ms * spread if count >= 100 else None,
        p999_ms=p50_ms * spread**1.6 if count >= 1000 else None,
        max_ms=p50_ms * spread**1.7,
        mean_ms=p50_ms * 1.15,
    )


def example_summary(targets: Sequence[str] = TARGETS[:3], repetitions: int = 1, seed: int = 7) -> Summary:
    """The whole summary; the same for the same arguments."""
    chance = random.Random(seed)
    scenarios = tuple(_scenario(name, targets, repetitions, chance) for name in PHASES)
    return Summary(
        run=_run(targets, repetitions, len(scenarios)),
        scenarios=scenarios,
        caveats=(
            Caveat(
                code="few-repetitions",
                scope="run",
                text="One repetition: ratios have no spread, and a difference may be chance.",
                advice="Run again with --repetitions 3 or more.",
            ),
            Caveat(
                code="generator-late",
                scope=f"spike/{targets[1]}",
                text="The load generator started requests up to 83 ms late.",
                advice="Lower the rate, or give the generator a core of its own.",
            ),
            Caveat(
                code="pool-overridden",
                scope="exhaustion",
                text="pool_timeout_s was set to 0.1 for every target.",
                advice="Read the refusals as what would come after the usual timeout.",
            ),
        ),
    )


def _run(targets: Sequence[str], repetitions: int, scenarios: int) -> RunInfo:
    return RunInfo(
        run_id="20261122-153000-example",
        created_at=datetime(2026, 11, 22, 15, 30, tzinfo=UTC),
        state="finished",
        seed=42,
        repetitions=repetitions,
        control=targets[0],
        poolstorm_version="0.1.0",
        trials_planned=scenarios * len(targets) * repetitions,
        trials_completed=scenarios * len(targets) * repetitions - 1,
        targets={name: f"What {name} teaches, in one sentence." for name in targets},
        environment={
            "python": "3.11.2",
            "platform": "Linux x86_64",
            "cpu_model": "Example CPU @ 2.00GHz",
            "cpu_count": "2",
            "memory_mib": "7936",
            "postgres": "18.1",
            "toxiproxy": "2.12.0",
            "sqlalchemy": "2.1.0",
        },
    )


def _scenario(name: str, targets: Sequence[str], repetitions: int, chance: random.Random) -> ScenarioResult:
    title, question = TITLES[name]
    return ScenarioResult(
        name=name,
        title=title,
        question=question,
        phases=tuple(
            PhaseInfo(
                name=phase,
                duration_s=duration_s,
                load=load,
                behaviour="holder" if name == "exhaustion" else "mixed",
                warmup=phase == "warm-up",
                faults=faults,
            )
            for phase, duration_s, load, faults in PHASES[name]
        ),
        pool_overrides={"pool_timeout_s": 0.1} if name == "exhaustion" else {},
        targets=tuple(_target(name, target, targets[0], repetitions, chance) for target in targets),
    )


def _target(scenario: str, target: str, control: str, repetitions: int, chance: random.Random) -> TargetResult:
    phases = tuple(
        result
        for name, duration_s, load, _ in PHASES[scenario]
        for result in _phase_results(scenario, name, duration_s, load, target, control, repetitions, chance)
    )
    failed = scenario == "spike" and target != control and target == "async-pool"
    return TargetResult(
        target=target,
        is_control=target == control,
        trials=tuple(
            TrialLine(
                id=f"{scenario}-{target}-r{repetition}",
                repetition=repetition,
                state="completed",
                reason="",
            )
            for repetition in range(1, repetitions + 1)
        )
        + (
            (TrialLine(id="099-spike-x-r9", repetition=9, state="failed", reason="target did not answer"),)
            if failed
            else ()
        ),
        phases=phases,
        faults=tuple(
            window for repetition in range(1, repetitions + 1) for window in _faults(scenario, target, repetition)
        ),
        timelines=tuple(
            _timeline(scenario, target, repetition, chance) for repetition in range(1, repetitions + 1)
        ),
        exhaustion=_exhaustion(target) if scenario == "exhaustion" else None,
        errors=_errors(scenario, phases),
        checks=_checks(scenario, target),
        settings={
            "pool_size": {"recommended": 20}.get(target, 10) if LIMITS[target] else 0,
            "max_overflow": {"recommended": 30}.get(target, 20) if LIMITS[target] else 0,
            "pool_timeout_s": 0.1 if scenario == "exhaustion" else 30.0,
            "pre_ping": LIMITS[target] is not None,
            "driver": "asyncpg" if target.startswith("async") else "psycopg2",
            "threadpool_tokens": None if target.startswith("async") else 40,
        },
    )


def _phase_results(
    scenario: str,
    phase: str,
    duration_s: float,
    load: str,
    target: str,
    control: str,
    repetitions: int,
    chance: random.Random,
) -> list[PhaseResult]:
    operations = ("all", "hold") if scenario == "exhaustion" else ("all", "read-user", "list-users", "transfer")
    return [
        _phase(operation, scenario, phase, duration_s, load, target, control, repetitions, chance)
        for operation in operations
    ]


def _phase(
    operation: str,
    scenario: str,
    phase: str,
    duration_s: float,
    load: str,
    target: str,
    control: str,
    repetitions: int,
    chance: random.Random,
) -> PhaseResult:
    rate = float(load.split("/", maxsplit=1)[0]) if "/" in load else 2.0 * int(load.split(maxsplit=1)[0])
    count = int(rate * duration_s * repetitions / (1 if operation == "all" else 3))
    bad = {"blackhole": 0.4, "outage": 0.42, "reset": 0.02}.get(phase, 0.0)
    p50_ms = BASE_MS[target] * chance.uniform(0.95, 1.05)
    if phase in ("far", "jittery"):
        p50_ms += 30 if LIMITS[target] else 70
    if phase == "burst":
        p50_ms *= 4
    if scenario == "exhaustion":
        users = int(load.split(maxsplit=1)[0])
        limit = LIMITS[target] or 95
        p50_ms, bad = 500 + BASE_MS[target], max(0.0, (users - limit) / users)
    lost = int(count * bad)
    success = latency(count - lost, p50_ms)
    failure = latency(lost, 2.2 if phase == "outage" else 110.0)
    far_ms = 30.0 if phase in ("far", "jittery") else 500.0 if scenario == "exhaustion" else 0.0
    ratio = p50_ms / (BASE_MS[control] + far_ms)
    spread = Ratio(median=ratio, low=ratio * 0.93, high=ratio * 1.09, repetitions=repetitions)
    outcomes = {"ok": count - lost} | (
        {("refused" if scenario == "exhaustion" else "failed"): lost} if lost else {}
    )
    return PhaseResult(
        phase=phase,
        operation=operation,
        warmup=phase == "warm-up",
        load=load,
        success=success,
        failure=failure,
        together=latency(count, p50_ms),
        service=latency(count - lost, p50_ms * 0.9),
        started_per_s=rate,
        completed_per_s=(count - lost) / duration_s / repetitions,
        success_share=(count - lost) / count if count else None,
        not_started=0,
        outcomes=outcomes,
        p50_ratio=None if target == control else spread,
        p99_ratio=None if target == control or success.p99_ms is None else spread,
    )


def _starts(scenario: str) -> list[tuple[str, float, float]]:
    spans, at_s = [], 0.2
    for phase, duration_s, _, _ in PHASES[scenario]:
        spans.append((phase, at_s, at_s + duration_s))
        at_s += duration_s
    return spans


def _faults(scenario: str, target: str, repetition: int) -> list[FaultWindow]:
    windows = []
    for phase, start_s, _ in _starts(scenario):
        if phase not in FAULTS:
            continue
        kind, at_s, duration_s = FAULTS[phase]
        down = kind == "proxy-down"
        windows.append(
            FaultWindow(
                repetition=repetition,
                phase=phase,
                kind=kind,
                planned_s=start_s + at_s,
                inject_begin_s=start_s + at_s + 0.001,
                inject_done_s=start_s + at_s + 0.004,
                heal_begin_s=start_s + at_s + duration_s + 0.001,
                heal_done_s=start_s + at_s + duration_s + 0.005,
                inject_late_ms=4.0,
                heal_late_ms=5.0,
                requests=38,
                success=latency(0 if down else 30, BASE_MS[target] + 30),
                failure=latency(38 if down else 8, 3.0),
                answered_inside=0 if kind == "timeout" else 38,
                recovery_ms=None if (kind, target) == ("timeout", "async-pool") else 100.0 * (1 + len(target) % 4),
            )
        )
    return windows


def _timeline(scenario: str, target: str, repetition: int, chance: random.Random) -> Timeline:
    spans = _starts(scenario)
    windows = _faults(scenario, target, repetition)
    points, gauges = [], []
    start_s, end_s = spans[0][1], spans[-1][2]
    for number in range(int((end_s - start_s) * 10)):
        t_s = start_s + number / 10
        phase = next((name for name, begin, end in spans if begin <= t_s < end), spans[-1][0])
        inside = [w for w in windows if w.inject_done_s <= t_s < (w.heal_begin_s or end_s)]
        p50_ms = BASE_MS[target] * chance.uniform(0.8, 1.3)
        failures = 0
        fly = 1 if LIMITS[target] else 2
        users = int(phase.removeprefix("users-")) if phase.startswith("users-") else 0
        if users:
            p50_ms, fly = 500 + p50_ms, users
            failures = max(0, users - (LIMITS[target] or 95)) // 5
        for window in inside:
            left_s = (window.heal_begin_s or end_s) - t_s
            if window.kind == "latency":
                p50_ms += 30
            elif window.kind == "timeout":
                p50_ms, fly = left_s * 1000, int(40 * (1 - left_s)) + 1
                failures = 1
            elif window.kind == "proxy-down":
                p50_ms, failures = 2.0, 4
            else:
                failures = 1 if chance.random() < 0.3 else 0
        if phase == "burst":
            p50_ms, fly = p50_ms * 14, 60
        requests = users // 2 if users else 4
        quiet = requests == 0
        points.append(
            TimePoint(
                t_s=t_s,
                requests=requests,
                failures=min(failures, requests),
                p50_ms=None if quiet else p50_ms,
                p99_ms=None if quiet else p50_ms * 1.8,
                max_ms=None if quiet else p50_ms * 2.1,
                failure_max_ms=p50_ms * 0.9 if failures else None,
            )
        )
        limit = LIMITS[target]
        out = min(fly, limit or 95)
        gauges.append(
            GaugePoint(
                t_s=t_s + 0.03,
                checked_out=None if number == 20 else out,
                overflow=max(0, out - 10) if limit else 0,
                waiting=max(0, fly - out),
                limit=limit,
                opened_total=out,
                in_flight=fly,
                users=users,
            )
        )
    return Timeline(repetition=repetition, points=tuple(points), gauges=tuple(gauges), phases=tuple(spans))


def _exhaustion(target: str) -> Exhaustion:
    limit = LIMITS[target]
    top = limit or 95
    steps = tuple(
        LadderStep(
            phase=f"users-{users}",
            offered=users,
            in_flight_max=users,
            success=latency(2 * min(users, top), 500 + BASE_MS[target], 1.3),
            together=latency(2 * users, 480, 1.3),
            completed_per_s=2.0 * min(users, top),
            refused=6 * max(0, users - top) if limit else 0,
            failed=0 if limit else max(0, users - top),
            checked_out_max=min(users, top),
        )
        for users in LADDER
    )
    onset = next((step for step in steps if step.refused + step.failed), None)
    return Exhaustion(
        steps=steps,
        offered_in="users",
        onset_phase=onset.phase if onset else None,
        onset_offered=onset.offered if onset else None,
        onset_sign="none" if onset is None else "refusals" if limit else "failures",
        checked_out_max=min(LADDER[-1], top),
        limit=limit,
        saturation_offered=onset.offered if onset else None,
    )


def _errors(scenario: str, phases: Sequence[PhaseResult]) -> tuple[ErrorCount, ...]:
    kind = "pool-exhausted" if scenario == "exhaustion" else "database-unavailable"
    outcome = "refused" if scenario == "exhaustion" else "failed"
    return tuple(
        ErrorCount(phase=p.phase, operation=p.operation, outcome=outcome, kind=kind, count=p.failure.count)
        for p in phases
        if p.operation != "all" and p.failure.count
    )


def _checks(scenario: str, target: str) -> tuple[CheckResult, ...]:
    leak = CheckResult(
        kind="no-leaked-connections",
        limit=None,
        verdict=CheckVerdict.PASSED if target != "no-pool" else CheckVerdict.UNDECIDED,
        evidence="0 connections checked out after the drain" if target != "no-pool" else "no reading at the end",
    )
    if scenario != "dropped-connections":
        return (leak,)
    broken = target == "async-pool"
    recovers = CheckResult(
        kind="recovers-within",
        limit=1000,
        verdict=CheckVerdict.BROKEN if broken else CheckVerdict.PASSED,
        evidence="not recovered after timeout in phase blackhole" if broken else "slowest recovery 400 ms",
    )
    return (recovers, leak)
