"""What recording costs: the same users under bare Locust, and under the load process with its recorder."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import psutil

from benchmarks.fidelity.bare_order import READY, Answer, Order
from benchmarks.fidelity.base import Bench, Check, Figure, NotMeasuredError, Outcome
from benchmarks.fidelity.comparison import alternating, gap, level
from benchmarks.fidelity.generators import (
    HEAD_START_NS,
    closed_scenario,
    cpu_time_s,
    open_scenario,
    run_load,
    static_server,
)
from benchmarks.fidelity.statistics import median_estimate
from benchmarks.fidelity.vegeta import settle
from scenarios.model import Behaviour

FASTEST_USERS = 10
PACED_USERS = 200
"""Five requests a second each: 1,000 requests/s."""
RATE_PER_S = 1000
WARMUP_S = 1.5


@dataclass(frozen=True, slots=True)
class Cost:
    """One round of one generator: requests a second, and microseconds of processor time for each request."""

    per_s: float
    cpu_us: float
    recorder_us: float = 0.0


@dataclass(frozen=True, slots=True)
class Costs:
    """All rounds; `fast` are users who do not wait, `paced` 1,000 requests/s, `arrivals` the same rate, open."""

    fast_bare: Sequence[Cost]
    fast_ours: Sequence[Cost]
    paced_bare: Sequence[Cost]
    paced_ours: Sequence[Cost]
    arrivals: Sequence[Cost]


def judge(costs: Costs) -> tuple[Figure, ...]:
    """The highest rate that is lost, and the processor time that is added."""
    lost = [
        100 * (1 - ours.per_s / bare.per_s) for ours, bare in zip(costs.fast_ours, costs.fast_bare, strict=True)
    ]
    added = gap([cost.cpu_us for cost in costs.paced_ours], [cost.cpu_us for cost in costs.paced_bare])
    return (
        Figure("highest rate lost to recording", median_estimate(lost), "%", at_most=10.0),
        Figure("processor time added to a request in the generator", added, "us", at_most=30.0),
        _rate("highest rate, bare Locust", costs.fast_bare),
        _rate("highest rate, recorded", costs.fast_ours),
        _cpu("processor time of a request, bare Locust", costs.paced_bare),
        _cpu("processor time of a request, recorded", costs.paced_ours),
        level(
            "processor time of a request in the recorder, a process of its own",
            [cost.recorder_us for cost in costs.paced_ours],
            "us",
        ),
        _cpu(
            "processor time of a request under open arrivals, waiting for the exact moment included",
            costs.arrivals,
        ),
    )


def _rate(name: str, rounds: Sequence[Cost]) -> Figure:
    return level(name, [cost.per_s for cost in rounds], "requests/s")


def _cpu(name: str, rounds: Sequence[Cost]) -> Figure:
    return level(name, [cost.cpu_us for cost in rounds], "us")


def _bare(bench: Bench, url: str, users: int, behaviour: Behaviour, duration_s: float) -> Cost:
    """One round of bare Locust. Raises NotMeasuredError where it fails or its requests do."""
    child = bench.leash.start(
        [sys.executable, "-m", "benchmarks.fidelity.bare_locust"],
        env=dict(os.environ),
        log_path=bench.folder / "bare-locust.log",
        name="bare Locust",
        stdin=True,
        stdout=True,
    )
    try:
        said = child.lines()
        if next(said, "") != READY:
            raise NotMeasuredError(child.end_description())
        origin_ns = time.monotonic_ns() + HEAD_START_NS
        order = Order(url, users, behaviour, origin_ns, WARMUP_S, WARMUP_S + duration_s)
        child.tell(json.dumps(asdict(order)))
        process = psutil.Process(child.pid)
        _sleep_until(origin_ns, WARMUP_S)
        before_s = cpu_time_s(process)
        _sleep_until(origin_ns, WARMUP_S + duration_s)
        after_s = cpu_time_s(process)
        line = next(said, "")
        if not line or before_s is None or after_s is None:
            raise NotMeasuredError(child.end_description())
        answer = Answer(**json.loads(line))
    finally:
        child.stop()
    if answer.failed or not answer.completed:
        raise NotMeasuredError(f"{answer.failed} of {answer.completed} requests of bare Locust failed")
    return Cost(answer.completed / duration_s, (after_s - before_s) / answer.completed * 1e6)


def _sleep_until(origin_ns: int, offset_s: float) -> None:
    time.sleep(max(0.0, (origin_ns - time.monotonic_ns()) / 1e9 + offset_s))


def _recorded(bench: Bench, url: str, users: int, behaviour: Behaviour, duration_s: float) -> Cost:
    """One round of the load process; no users means open arrivals."""
    scenario = (
        closed_scenario(users, duration_s, WARMUP_S, behaviour)
        if users
        else open_scenario(RATE_PER_S, duration_s, WARMUP_S)
    )
    recorded = run_load(bench, scenario, url)
    count = recorded.count()
    if recorded.not_ok or not count or len(recorded.cpu_s) < 2:
        raise NotMeasuredError(f"{recorded.not_ok} requests failed, or a process ended early")
    return Cost(
        per_s=count / duration_s,
        cpu_us=recorded.cpu_s["generator"] / count * 1e6,
        recorder_us=recorded.cpu_s["recorder"] / count * 1e6,
    )


def run(bench: Bench) -> Outcome:
    duration_s = bench.choose(6, 3)
    found: dict[str, list[Cost]] = {}
    loads: tuple[tuple[str, int, Behaviour], ...] = (
        ("fast", FASTEST_USERS, "holder"),
        ("paced", PACED_USERS, "reader"),
    )
    orders = alternating(bench.rounds(7, 2), "bare", "ours", bench.rng)
    with static_server(bench) as server:
        for number, order in enumerate(orders, start=1):
            bench.say(f"round {number} of {len(orders)}")
            for load, users, behaviour in loads:
                for generator in order:
                    settle()
                    measure = _bare if generator == "bare" else _recorded
                    cost = measure(bench, server.url, users, behaviour, duration_s)
                    found.setdefault(f"{load}_{generator}", []).append(cost)
            found.setdefault("arrivals", []).append(_recorded(bench, server.url, 0, "reader", duration_s))
    return Outcome(judge(Costs(**found)))


CHECK = Check(
    name="recording",
    title="What recording costs",
    claim=(
        "Recording costs at most 10 % of bare Locust FastHttpUser's highest rate, and at most 30 microseconds of "
        "processor time a request at 1,000 requests/s over bare Locust."
    ),
    method=(
        "The same user classes against a static server, in rounds of random order: under bare Locust, with its "
        "own statistics and event loop as it comes, and under the load process with its recorder. "
        f"{FASTEST_USERS} users who never wait give the highest rate; {PACED_USERS} users at five requests/s each "
        "give the processor time of the generator's process at 1,000 requests/s. The recorder runs in a process "
        "of its own and is shown beside it."
    ),
    run=run,
)
