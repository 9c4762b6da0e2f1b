"""Against a pooled target at half its capacity: what is measured is the target, whoever measures."""

from __future__ import annotations

from benchmarks.fidelity import vegeta
from benchmarks.fidelity.base import Bench, Check, Figure, NotMeasuredError, Outcome
from benchmarks.fidelity.comparison import level, shown_only
from benchmarks.fidelity.duel import Duel, excesses, fight, side_by_side
from benchmarks.fidelity.generators import climb
from benchmarks.fidelity.statistics import Estimate
from benchmarks.fidelity.target import serving
from harness.environment.stack import StackOptions, running_stack

TARGET = "async-pool"
LADDER = (50, 100, 150, 200, 250, 300, 400, 500, 600)
"""Closed users, five requests a second each: up to 3,000 requests/s asked for."""
STEP_S = 2.0
TIMES = ("service", "response")


def judge(at_once: Duel, by_turns: Duel, capacity_per_s: float, rate_per_s: float) -> tuple[Figure, ...]:
    """Of both at once, service and response time against vegeta's latency, which starts at its actual send.

    By turns they share no moment, and each puts its own weight on the cores that the target needs: not judged.
    """
    return (
        *excesses(at_once, "at once: ", TIMES),
        *map(shown_only, excesses(by_turns, "by turns: ", TIMES)),
        level("at once: vegeta p50", at_once.column("theirs", "service_p50")),
        level("at once: vegeta p99", at_once.column("theirs", "service_p99")),
        level("at once: vegeta p50 from when each request was due", at_once.column("theirs", "response_p50")),
        level("at once: vegeta p99 from when each request was due", at_once.column("theirs", "response_p99")),
        level("at once: poolstorm response time p50", at_once.column("ours", "response_p50")),
        level("at once: poolstorm response time p99", at_once.column("ours", "response_p99")),
        Figure("capacity of the target beside its generator", Estimate.exact(capacity_per_s), "requests/s"),
        Figure("rate of both generators together, and of each by turns", Estimate.exact(rate_per_s), "requests/s"),
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
        step_s = bench.choose(STEP_S, 1.0)
        capacity_per_s = capacity(climb(bench, target.url, LADDER, step_s), step_s)
        rate_per_s = 2 * max(1, round(capacity_per_s / 4))
        at_once = side_by_side(
            bench,
            program,
            target.url,
            rate_per_s=rate_per_s // 2,
            rounds=bench.rounds(13, 3),
            duration_s=bench.choose(8, 3),
        )
        by_turns = fight(
            bench,
            program,
            target.url,
            rate_per_s=rate_per_s,
            rounds=bench.rounds(9, 2),
            duration_s=bench.choose(5, 3),
        )
    return Outcome(judge(at_once, by_turns, capacity_per_s, rate_per_s))


CHECK = Check(
    name="pooled-target",
    title="Latency against a pooled target",
    claim=(
        "Against a pooled target at half its capacity, p50 and p99 are within 10 % of the independent generator's."
    ),
    method=(
        f"{TARGET} with PostgreSQL behind Toxiproxy. A ladder of closed users finds the most successes a second, "
        "with the generator on the same cores. Then poolstorm and vegeta read single users at the same time, each "
        "at a constant quarter of that (vegeta at 7/s more, lest the one keep step with the other), so that the "
        "target runs at half its capacity and both meet the same moments: what differs is the measuring. Each "
        "figure is the median over rounds of the ratio in a round. Shown beside it, and not judged: the same by "
        "turns, each at half the capacity in rounds of random order. There what else the machine does meets one "
        "of them and not the other, which the intervals show; and each puts its own weight on the cores that the "
        "target needs, a process in Python more than one in Go."
    ),
    run=run,
)
