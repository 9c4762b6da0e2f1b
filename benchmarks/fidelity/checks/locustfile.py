"""Somebody else's locustfile against a pooled target: its latencies beside those of an independent generator."""

from __future__ import annotations

from pathlib import Path

from benchmarks.fidelity import vegeta
from benchmarks.fidelity.base import Bench, Check, Figure, Outcome
from benchmarks.fidelity.comparison import gap, level, shown_only
from benchmarks.fidelity.duel import Duel, excesses, side_by_side
from benchmarks.fidelity.statistics import Estimate
from benchmarks.fidelity.target import serving
from harness.environment.stack import StackOptions, running_stack
from harness.locustfile import Locustfile

TARGET = "async-pool"
RATE_PER_S = 60
FILES = Path(__file__).parents[1] / "locustfiles"


def judge(fast: Duel, usual: Duel) -> tuple[Figure, ...]:
    """The fast client's response times are held to the pooled target's bound; the usual client's are shown."""
    return (
        *excesses(fast, "FastHttpUser: ", ("response",)),
        *map(shown_only, excesses(usual, "HttpUser: ", ("response",))),
        *_gaps(fast, "FastHttpUser: "),
        *_gaps(usual, "HttpUser: "),
        level("vegeta p50, beside FastHttpUser", fast.column("theirs", "service_p50")),
        level("vegeta p50, beside HttpUser", usual.column("theirs", "service_p50")),
        Figure("rate of each generator", Estimate.exact(RATE_PER_S), "requests/s"),
    )


def _gaps(duel: Duel, prefix: str) -> list[Figure]:
    return [
        Figure(
            f"{prefix}response time {point}, less vegeta's {point}",
            gap(duel.column("ours", f"response_{point}"), duel.column("theirs", f"service_{point}")),
            "ms",
        )
        for point in ("p50", "p99")
    ]


def run(bench: Bench) -> Outcome:
    program = vegeta.find_or_build(bench)
    with running_stack(StackOptions(), bench.say) as stack, serving(bench, stack, TARGET) as target:
        fast, usual = (
            side_by_side(
                bench,
                program,
                target.url,
                rate_per_s=RATE_PER_S,
                rounds=bench.rounds(9, 2),
                duration_s=bench.choose(8, 3),
                locustfile=Locustfile(path=FILES / name),
            )
            for name in ("fast_reader.py", "reader.py")
        )
    return Outcome(judge(fast, usual))


CHECK = Check(
    name="locustfile",
    title="Latencies of an outside locustfile",
    claim=(
        "The p50 and p99 of a FastHttpUser's requests against a pooled target are within 10 % of the independent "
        "generator's."
    ),
    method=(
        f"{TARGET} with PostgreSQL behind Toxiproxy. A locustfile that knows nothing of poolstorm and vegeta read "
        f"single users at the same time, each at a constant {RATE_PER_S}/s (vegeta at 7/s more): so both meet the "
        "same moments. Each figure is the median over rounds of the ratio in a round. Shown beside it, and not "
        "judged: the same with HttpUser, whose client takes more than 2 ms of a processor for each request. That "
        "is not in its latencies, but what is read while another request is at it is read late."
    ),
    run=run,
)
