"""Against a server that does next to nothing: the generator's own share of a latency."""

from __future__ import annotations

from benchmarks.fidelity import vegeta
from benchmarks.fidelity.awake import cores_awake
from benchmarks.fidelity.base import Bench, Check, Figure, Outcome
from benchmarks.fidelity.comparison import difference, level
from benchmarks.fidelity.duel import Duel, fight
from benchmarks.fidelity.generators import static_server

RATE_PER_S = 1000


def judge(duel: Duel) -> tuple[Figure, ...]:
    """Both of our times against vegeta's latency, which starts at its actual send."""
    judged = []
    for time in ("service", "response"):
        for point, share in (("p50", 0.0), ("p99", 0.25)):
            judged.append(
                difference(
                    f"{time} time {point}, less vegeta's {point}",
                    duel.column("ours", f"{time}_{point}"),
                    duel.column("theirs", f"service_{point}"),
                    within_ms=0.5 if share else 0.25,
                    within_share=share,
                )
            )
    return (
        *judged,
        level("vegeta p50", duel.column("theirs", "service_p50")),
        level("vegeta p99", duel.column("theirs", "service_p99")),
        level("poolstorm service time p50", duel.column("ours", "service_p50")),
        level("poolstorm service time p99", duel.column("ours", "service_p99")),
        level("poolstorm response time p50", duel.column("ours", "response_p50")),
        level("poolstorm response time p99", duel.column("ours", "response_p99")),
        level("vegeta p50 from when each request was due", duel.column("theirs", "response_p50")),
        level("vegeta p99 from when each request was due", duel.column("theirs", "response_p99")),
    )


def run(bench: Bench) -> Outcome:
    program = vegeta.find_or_build(bench)
    with static_server(bench) as server, cores_awake(bench):
        duel = fight(
            bench,
            program,
            server.url,
            rate_per_s=RATE_PER_S,
            rounds=bench.rounds(7, 3),
            duration_s=bench.choose(8, 3),
        )
    return Outcome(judge(duel))


CHECK = Check(
    name="loopback",
    title="Latency against a static server",
    claim=(
        "At 1,000 requests/s constant against a static loopback server, p50 is within 0.25 ms and p99 within 25 "
        "% or 0.5 ms of an independent open-loop generator's."
    ),
    method=(
        "poolstorm and vegeta send the same reads at the same constant rate to a server that answers each request "
        "with the same bytes, in rounds of random order; the first second of each is left out. All the while, a "
        "loop of the lowest priority keeps each core from going to sleep: poolstorm's generator watches the clock "
        "for the last stretch before each request and vegeta sleeps until then, so that the waking of the core, "
        "which is no part of an answer, would be in the latency of the one alone. Each figure is the median over "
        "rounds of the difference within a round. vegeta's latency starts at its actual send, so that our "
        "response time, which starts when the request was due, is held against more than its like."
    ),
    run=run,
)
