"""Sequential round trips: the slope of p50 over injected latency, against what was counted on the wire."""

from __future__ import annotations

import http.client
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from urllib.parse import urlsplit

from benchmarks.fidelity.base import Bench, Check, Figure, NotMeasuredError, Outcome
from benchmarks.fidelity.generators import Running, run_load
from benchmarks.fidelity.relay import Relay, counting_port, turns_within
from benchmarks.fidelity.statistics import Estimate
from benchmarks.fidelity.target import Served, serving
from harness.environment.parts import Parts
from harness.environment.stack import Stack, StackOptions, running_stack
from harness.injection import injecting
from harness.journal import Journal
from harness.records import Measure
from harness.timeline import fault_steps
from reports.analysis.round_trips import RoundTripEstimate, estimate_round_trips
from scenarios.model import PRIMARY_LINK, Scenario
from scenarios.round_trips import SCENARIO

TARGETS = ("sync-pool", "async-pool", "no-pool", "async-no-pool")
WITHIN = 0.3
ROUNDS = 3
COUNTED_REQUESTS = 15
UNCOUNTED_REQUESTS = 12
"""More than the pool keeps connections, so that each of them has been opened and used before."""
COUNTING_LATENCY_MS = 10
"""On the link while round trips are counted: one that began after the answer cannot end before it."""
PAUSE_S = 0.06
HTTP_OK = 200


@dataclass(frozen=True, slots=True)
class Result:
    """One target: the slope through so many points, and the round trips on the wire of each of some requests."""

    estimate: RoundTripEstimate
    points: int
    counted: tuple[int, ...]


def truth(counted: Sequence[int]) -> int:
    """What nearly every request needed. Raises NotMeasuredError where they differ: then there is no one truth."""
    number, times = Counter(counted).most_common(1)[0]
    if times < 0.8 * len(counted):
        raise NotMeasuredError(f"requests differ in their round trips on the wire: {sorted(counted)}")
    return number


def judge(results: Mapping[str, Result]) -> tuple[Figure, ...]:
    """The slope less the truth, a figure a target."""
    figures = []
    for name, result in results.items():
        counted = truth(result.counted)
        slope = result.estimate
        figures.append(
            Figure(
                f"{name}: {slope.slope:.2f} by slope, less {counted} on the wire",
                Estimate(slope.slope - counted, slope.low - counted, slope.high - counted, result.points),
                "round trips",
                at_most=WITHIN,
                at_least=-WITHIN,
                bound=f"within {WITHIN:g}",
            )
        )
    return tuple(figures)


def run(bench: Bench) -> Outcome:
    scenario, rounds = SCENARIO.scaled(bench.choose(1.0, 0.6)), bench.rounds(ROUNDS, 1)
    results = {}
    with running_stack(StackOptions(), bench.say) as stack:
        for name in TARGETS:
            bench.say(name)
            with serving(bench, stack, name) as served:
                points = [point for _ in range(rounds) for point in _points(bench, served, scenario)]
            results[name] = Result(estimate_round_trips(points), len(points), _counted(bench, stack, name))
    return Outcome(judge(results))


def _points(bench: Bench, served: Served, scenario: Scenario) -> Iterator[tuple[float, float]]:
    """Run the scenario with its faults, as a trial does: latency injected and p50 of each rung, in ms."""

    def inject(running: Running) -> None:
        journal = Journal(running.folder)
        journal.begin_at(running.origin_ns)
        with injecting(fault_steps(scenario), Parts({PRIMARY_LINK: served.proxy}), journal) as injection:
            running.sleep_until(scenario.duration_s)
        injection.check()

    recorded = run_load(bench, scenario, served.url, inject)
    for phase in scenario.phases:
        if not phase.warmup:
            latency_ms = float(phase.faults[0].settings["latency_ms"])
            yield latency_ms, recorded.p_ms(Measure.SERVICE, 50, phase.name)


def _counted(bench: Bench, stack: Stack, name: str) -> tuple[int, ...]:
    """Round trips of each of some requests, one at a time, counted between target and proxy."""
    relays: list[Relay] = []
    with serving(bench, stack, name, front=lambda host, port: counting_port(host, port, relays)) as served:
        served.proxy.add_toxic("latency", "downstream", {"latency": COUNTING_LATENCY_MS}, "latency")
        connection = http.client.HTTPConnection(urlsplit(served.url).netloc, timeout=10)
        with closing(connection):
            for user_id in range(1, UNCOUNTED_REQUESTS + 1):
                _read(connection, user_id)
            windows = [_read(connection, user_id) for user_id in range(1, COUNTED_REQUESTS + 1)]
        turns = list(relays[0].turns)
    return tuple(turns_within(turns, sent_ns, answered_ns) for sent_ns, answered_ns in windows)


def _read(connection: http.client.HTTPConnection, user_id: int) -> tuple[int, int]:
    """Send one request: when it was sent, and when answered. Then pause, for what comes after the answer."""
    sent_ns = time.monotonic_ns()
    connection.request("GET", f"/users/{user_id}")
    answer = connection.getresponse()
    answer.read()
    answered_ns = time.monotonic_ns()
    if answer.status != HTTP_OK:
        raise NotMeasuredError(f"the target answered {answer.status}")
    time.sleep(PAUSE_S)
    return sent_ns, answered_ns


CHECK = Check(
    name="round-trips",
    title="Round trips by slope",
    claim=(
        "Sequential round trips, by the slope of p50 over a ladder of injected latencies, are within 0.3 of the "
        "truth counted on the wire for sync-pool, async-pool, no-pool and async-no-pool."
    ),
    method=(
        f"The scenario round-trips, {ROUNDS} times over: one user who reads, under latencies that Toxiproxy "
        "injects; the slope is the median of all pairwise slopes (Theil and Sen). The truth is counted apart, by "
        "a relay between target and Toxiproxy that notes each change of direction, on "
        f"{COUNTED_REQUESTS} requests: those round trips that were asked and answered between the request and its "
        "answer. Interval: 95 %, from the pairwise slopes."
    ),
    run=run,
)
