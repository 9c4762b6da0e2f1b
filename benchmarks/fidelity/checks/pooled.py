"""Against a pooled target at half its capacity: what is measured is the target, whoever measures."""

from __future__ import annotations

from benchmarks.fidelity import vegeta
from benchmarks.fidelity.base import Bench, Check, Figure, NotMeasuredError, Outcome
from benchmarks.fidelity.comparison import excess, level
from benchmarks.fidelity.duel import Duel, fight
from benchmarks.fidelity.generators import ladder_scenario, run_load
from benchmarks.fidelity.statistics import Estimate
from benchmarks.fidelity.target import serving
from harness.environment.stack import StackOptions, running_stack

TARGET = "async-pool"
LADDER = (50, 100, 150, 200, 250, 300, 400, 500, 600)
"""Closed users, five requests a second each: up to 3,000 requests/s asked for."""
STEP_S = 2.0


def judge(duel: Duel, capacity_per_s: float, rate_per_s: float) -> tuple[Figure, ...]:
    """Like with like: service time against vegeta's latency; response time against it too, which is stricter."""
    judged = [
        excess(
            f"{time} time {point}, against vegeta's {point}",
            duel.column("ours", f"{time}_{point}"),
            duel.column("theirs", f"service_{point}"),
            at_most=10,
            both_ways=True,
        )
        for time in ("service", "response")
        for point in ("p50", "p99")
    ]
    return (
        *judged,
        level("vegeta p50", duel.column("theirs", "service_p50")),
        level("vegeta p99", duel.column("theirs", "service_p99")),
        level("poolstorm response time p50", duel.column("ours", "response_p50")),
        level("poolstorm response time p99", duel.column("ours", "response_p99")),
        Figure("capacity of the target beside its generator", Estimate.exact(capacity_per_s), "requests/s"),
        Figure("rate of both generators", Estimate.exact(rate_per_s), "requests/s"),
    )


def capacity(completed: dict[str, int], step_s: float) -> float:
    """Successes a second of the best step of the ladder. Raises NotMeasuredError where it kept rising to the end.

    A last step that is the best by more than 10 % says that the target was not at its limit yet.
    """
    rates = [count / step_s for count in completed.values()]
    if len(rates) < 2 or rates[-1] > 1.1 * max(rates[:-1]):
        raise NotMeasuredError("the target's throughput rose to the last step of the ladder; lengthen it")
    return max(rates)


def run(bench: Bench) -> Outcome:
    program = vegeta.find_or_build(bench)
    with running_stack(StackOptions(), bench.say) as stack, serving(bench, stack, TARGET) as target:
        ladder = ladder_scenario(LADDER, bench.choose(STEP_S, 1.0))
        ramp = run_load(bench, ladder, target.url)
        steps = [phase.name for phase in ladder.phases]
        completed = {step: ramp.count(step) for step in steps}
        capacity_per_s = capacity(completed, ladder.phases[0].duration_s)
        rate_per_s = max(1, round(capacity_per_s / 2))
        duel = fight(
            bench,
            program,
            target.url,
            rate_per_s=rate_per_s,
            rounds=bench.rounds(9, 3),
            duration_s=bench.choose(8, 3),
        )
    return Outcome(judge(duel, capacity_per_s, rate_per_s))


CHECK = Check(
    name="pooled-target",
    title="Latency against a pooled target",
    claim=(
        "Against a pooled target at half its capacity, p50 and p99 are within 10 % of the independent generator's."
    ),
    method=(
        f"{TARGET} with PostgreSQL behind Toxiproxy. A ladder of closed users finds the most successes a second, "
        "with the generator on the same cores; at half of that poolstorm and vegeta read single users at a "
        "constant rate, in rounds of random order. Each figure is the median over rounds of the ratio within a "
        "round."
    ),
    run=run,
)
