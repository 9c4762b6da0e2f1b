"""What the targets' own timing costs: sync-pool as it is, and without its instrumentation."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.fidelity.base import Bench, Check, Figure, NotMeasuredError, Outcome
from benchmarks.fidelity.comparison import alternating, excess, gap, level
from benchmarks.fidelity.generators import open_scenario, run_load
from benchmarks.fidelity.target import serving
from harness.environment.stack import StackOptions, running_stack
from harness.records import Measure

TARGET = "sync-pool"
PLAIN_APP = "benchmarks.fidelity.plain_sync_pool:app"
RATE_PER_S = 50


def judge(instrumented_ms: Sequence[float], plain_ms: Sequence[float]) -> tuple[Figure, ...]:
    """How much longer the median request takes."""
    return (
        excess("p50 instrumented, against p50 without", instrumented_ms, plain_ms, at_most=5, both_ways=False),
        Figure("p50 instrumented, less p50 without", gap(instrumented_ms, plain_ms), "ms"),
        level("p50 instrumented", instrumented_ms),
        level("p50 without instrumentation", plain_ms),
    )


def run(bench: Bench) -> Outcome:
    found: dict[str, list[float]] = {"instrumented": [], "plain": []}
    orders = alternating(bench.rounds(13, 3), "instrumented", "plain", bench.rng)
    with (
        running_stack(StackOptions(), bench.say) as stack,
        serving(bench, stack, TARGET) as instrumented,
        serving(bench, stack, TARGET, app=PLAIN_APP) as plain,
    ):
        urls = {"instrumented": instrumented.url, "plain": plain.url}
        scenario = open_scenario(RATE_PER_S, bench.choose(3.5, 2), warmup_s=0.5)
        for number, order in enumerate(orders, start=1):
            bench.say(f"round {number} of {len(orders)}")
            for name in order:
                recorded = run_load(bench, scenario, urls[name])
                if recorded.not_ok:
                    raise NotMeasuredError(f"{recorded.not_ok} requests failed")
                found[name].append(recorded.p_ms(Measure.SERVICE, 50))
    return Outcome(judge(found["instrumented"], found["plain"]))


CHECK = Check(
    name="instrumentation",
    title="What the targets' instrumentation costs",
    claim="The instrumented target's p50 is within 5 % of the same app's without instrumentation.",
    method=(
        f"{TARGET}, and an application of the same pool, sessions and routes without `instrument` and the "
        "Server-Timing middleware, both running behind Toxiproxy throughout, read by turns in random order at "
        f"{RATE_PER_S} requests/s. The figure is the median over rounds of the ratio within a round."
    ),
    run=run,
)
