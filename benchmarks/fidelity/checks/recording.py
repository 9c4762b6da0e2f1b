"""What recording costs: the same tasks under bare Locust, and under the load process with its recorder."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import psutil

from benchmarks.fidelity.bare_order import READY, Answer, Client, Order
from benchmarks.fidelity.base import Bench, Check, Figure, NotMeasuredError, Outcome
from benchmarks.fidelity.comparison import gap, level, shuffled
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
from harness.environment.children import module_command, python_environment
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
    """All rounds; `fast` are users who do not wait, `paced` 1,000 requests/s, `arrivals` the same rate, open.

    `stock` is bare Locust with its FastHttpUser, `bare` the same with the harness's users, `ours` those recorded.
    """

    fast_stock: Sequence[Cost]
    fast_bare: Sequence[Cost]
    fast_ours: Sequence[Cost]
    paced_stock: Sequence[Cost]
    paced_bare: Sequence[Cost]
    paced_ours: Sequence[Cost]
    arrivals: Sequence[Cost]


def judge(costs: Costs) -> tuple[Figure, ...]:
    """The highest rate that is lost, and the processor time that is added.

    Against FastHttpUser, which is the claim; and the processor time against users with the same client, too, so
    that what the client saves does not pay for the recording. Of their highest rate the loss is shown, not judged:
    at such a rate server, generator and recorder want more than two cores, and which of them gives way is chance.
    """
    return (
        _lost("highest rate lost, of bare FastHttpUser's", costs.fast_ours, costs.fast_stock, at_most=10.0),
        _lost(
            "highest rate lost to recording, of the same users' under bare Locust",
            costs.fast_ours,
            costs.fast_bare,
        ),
        _added("processor time added to a request, over bare FastHttpUser", costs.paced_ours, costs.paced_stock),
        _added(
            "processor time added to a request by recording, over the same users under bare Locust",
            costs.paced_ours,
            costs.paced_bare,
        ),
        _rate("highest rate, bare FastHttpUser", costs.fast_stock),
        _rate("highest rate, the harness's users under bare Locust", costs.fast_bare),
        _rate("highest rate, recorded", costs.fast_ours),
        _cpu("processor time of a request, bare FastHttpUser", costs.paced_stock),
        _cpu("processor time of a request, the harness's users under bare Locust", costs.paced_bare),
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


def _lost(name: str, ours: Sequence[Cost], theirs: Sequence[Cost], at_most: float | None = None) -> Figure:
    lost = [100 * (1 - mine.per_s / other.per_s) for mine, other in zip(ours, theirs, strict=True)]
    return Figure(name, median_estimate(lost), "%", at_most=at_most)


def _added(name: str, ours: Sequence[Cost], theirs: Sequence[Cost]) -> Figure:
    added = gap([cost.cpu_us for cost in ours], [cost.cpu_us for cost in theirs])
    return Figure(name, added, "us", at_most=30.0)


def _rate(name: str, rounds: Sequence[Cost]) -> Figure:
    return level(name, [cost.per_s for cost in rounds], "requests/s")


def _cpu(name: str, rounds: Sequence[Cost]) -> Figure:
    return level(name, [cost.cpu_us for cost in rounds], "us")


def _bare(bench: Bench, url: str, users: int, behaviour: Behaviour, duration_s: float, client: Client) -> Cost:
    """One round of bare Locust. Raises NotMeasuredError where it fails or its requests do."""
    child = bench.leash.start(
        module_command("benchmarks.fidelity.bare_locust"),
        env=python_environment(),
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
        order = Order(url, users, behaviour, client, origin_ns, WARMUP_S, WARMUP_S + duration_s)
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
    orders = shuffled(bench.rounds(7, 2), ("stock", "bare", "ours"), bench.rng)
    with static_server(bench) as server:
        for number, order in enumerate(orders, start=1):
            bench.say(f"round {number} of {len(orders)}")
            for load, users, behaviour in loads:
                for generator in order:
                    settle()
                    if generator == "ours":
                        cost = _recorded(bench, server.url, users, behaviour, duration_s)
                    else:
                        client: Client = "own" if generator == "bare" else "fast-http-user"
                        cost = _bare(bench, server.url, users, behaviour, duration_s, client)
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
        "The same tasks against a static server, in rounds of random order: under bare Locust with FastHttpUser, "
        "with its own statistics and event loop as they come; likewise with the harness's own users, who have a "
        "leaner client; and under the load process with its recorder. Processor time is held against both, lest "
        "what the client saves pay for the recording. The highest rate is held against FastHttpUser's; at that of "
        "the harness's own users, server, generator and recorder want more than two cores. "
        f"{FASTEST_USERS} users who never wait give the highest rate; {PACED_USERS} users at five requests/s each "
        "give the processor time of the generator's process at 1,000 requests/s. The recorder runs in a process "
        "of its own and is shown beside it."
    ),
    run=run,
)
