"""What the targets' own timing costs: sync-pool as it is, and without its instrumentation."""

from __future__ import annotations

import http.client
import random
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from urllib.parse import urlsplit

from benchmarks.fidelity.base import Bench, Check, Figure, NotMeasuredError, Outcome
from benchmarks.fidelity.comparison import excess, gap, level
from benchmarks.fidelity.statistics import median
from benchmarks.fidelity.target import serving
from harness.environment.stack import StackOptions, running_stack

TARGET = "sync-pool"
PLAIN_APP = "benchmarks.fidelity.plain_sync_pool:app"
PAIRS = 120
"""Requests to each application in a round."""
WARM_UP_PAIRS = 60
PAUSE_S = 0.004
SEEDED_USERS = 1000
HTTP_OK = 200


def judge(instrumented_ms: Sequence[float], plain_ms: Sequence[float]) -> tuple[Figure, ...]:
    """How much longer the median request takes; one median a round of each."""
    return cost("instrumented", instrumented_ms, "without instrumentation", plain_ms)


def cost(loaded: str, loaded_ms: Sequence[float], plain: str, plain_ms: Sequence[float]) -> tuple[Figure, ...]:
    """The median request of a `loaded` app beside that of the same app `plain`: at most 5 % longer."""
    return (
        excess(f"p50 {loaded}, against p50 without", loaded_ms, plain_ms, at_most=5, both_ways=False),
        Figure(f"p50 {loaded}, less p50 without", gap(loaded_ms, plain_ms), "ms"),
        level(f"p50 {loaded}", loaded_ms),
        level(f"p50 {plain}", plain_ms),
    )


def run(bench: Bench) -> Outcome:
    with (
        running_stack(StackOptions(), bench.say) as stack,
        serving(bench, stack, TARGET) as instrumented,
        serving(bench, stack, TARGET, app=PLAIN_APP) as plain,
    ):
        found = medians_in_turn(bench, {"instrumented": instrumented.url, "plain": plain.url})
    return Outcome(judge(found["instrumented"], found["plain"]))


def medians_in_turn(bench: Bench, urls: Mapping[str, str]) -> dict[str, list[float]]:
    """The median of each round of reads from each server, which are asked in turn: in milliseconds."""
    found: dict[str, list[float]] = {name: [] for name in urls}
    rounds = bench.rounds(41, 7)
    with ExitStack() as connections:
        clients = {
            name: connections.enter_context(closing(http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)))
            for name, url in urls.items()
        }
        read_in_turn(clients, WARM_UP_PAIRS, bench.rng)
        for number in range(1, rounds + 1):
            if number % 10 == 1:
                bench.say(f"round {number} of {rounds}")
            for name, took_ms in read_in_turn(clients, PAIRS, bench.rng).items():
                found[name].append(median(took_ms))
    return found


def read_in_turn(
    clients: Mapping[str, http.client.HTTPConnection], pairs: int, rng: random.Random
) -> dict[str, list[float]]:
    """One user read from each in every pair, in random order: milliseconds that each answer took.

    Raises NotMeasuredError where an answer is not what it should be.
    """
    took_ms: dict[str, list[float]] = {name: [] for name in clients}
    for _ in range(pairs):
        for name in rng.sample(list(clients), len(clients)):
            time.sleep(PAUSE_S)
            path = f"/users/{rng.randint(1, SEEDED_USERS)}"
            began_ns = time.perf_counter_ns()
            clients[name].request("GET", path)
            answer = clients[name].getresponse()
            answer.read()
            took_ms[name].append((time.perf_counter_ns() - began_ns) / 1e6)
            if answer.status != HTTP_OK:
                raise NotMeasuredError(f"{name} answered {answer.status}")
    return took_ms


CHECK = Check(
    name="instrumentation",
    title="What the targets' instrumentation costs",
    claim="The instrumented target's p50 is within 5 % of the same app's without instrumentation.",
    method=(
        f"{TARGET}, and an application of the same pool, sessions and routes without `instrument` and the "
        "Server-Timing middleware, both running behind Toxiproxy throughout. A client reads one user from each in "
        f"every pair of requests, in random order, {PAUSE_S * 1e3:g} ms after the answer before, so that what "
        "disturbs the machine meets both. The figure is the median over rounds of "
        f"{PAIRS} pairs of the ratio of the medians within a round."
    ),
    run=run,
)
