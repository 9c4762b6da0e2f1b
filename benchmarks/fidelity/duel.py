"""poolstorm's generator and vegeta at the same rate against the same server, by turns or both at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.fidelity import vegeta
from benchmarks.fidelity.base import Bench, Figure, NotMeasuredError
from benchmarks.fidelity.comparison import excess, shuffled
from benchmarks.fidelity.generators import Recorded, Running, open_scenario, run_load
from benchmarks.fidelity.statistics import percentile
from harness.locustfile import Locustfile
from harness.records import Measure
from scenarios.model import Behaviour

WARMUP_S = 1
DETUNED_PER_S = 7
"""By so much vegeta is faster where both run at once. At equal constant rates each request of the one would follow
one of the other's at the same distance for a whole round, and always, or never, find it in its way."""
PATHS = tuple(f"/users/{user_id}" for user_id in range(1, 1001))
HTTP_OK = 200


@dataclass(frozen=True, slots=True)
class Round:
    """What one generator saw in one round, in milliseconds. vegeta's service time is its latency."""

    service_p50: float
    service_p99: float
    response_p50: float
    response_p99: float

    @classmethod
    def of_ours(cls, recorded: Recorded) -> Round:
        """Raises NotMeasuredError where a request failed: the figures would be of fewer requests."""
        if recorded.not_ok:
            raise NotMeasuredError(f"{recorded.not_ok} of poolstorm's requests failed")
        return cls(
            recorded.p_ms(Measure.SERVICE, 50),
            recorded.p_ms(Measure.SERVICE, 99),
            recorded.p_ms(Measure.RESPONSE, 50),
            recorded.p_ms(Measure.RESPONSE, 99),
        )

    @classmethod
    def of_vegeta(cls, hits: Sequence[vegeta.Hit], rate_per_s: float) -> Round:
        """Raises NotMeasuredError where a request failed, or none was sent."""
        failed = sum(hit.status != HTTP_OK for hit in hits)
        if failed or not hits:
            raise NotMeasuredError(f"{failed} of vegeta's {len(hits)} requests failed")
        service = [hit.latency_ns / 1e6 for hit in hits]
        response = [value_ns / 1e6 for value_ns in vegeta.response_times_ns(hits, rate_per_s)]
        return cls(*(percentile(values, per_cent) for values in (service, response) for per_cent in (50, 99)))


@dataclass(frozen=True, slots=True)
class Duel:
    """The rounds of both, in the same order."""

    ours: tuple[Round, ...]
    theirs: tuple[Round, ...]

    def column(self, side: str, field: str) -> list[float]:
        """One field over all rounds of `ours` or `theirs`."""
        return [getattr(played, field) for played in getattr(self, side)]


def excesses(duel: Duel, prefix: str, times: Sequence[str]) -> list[Figure]:
    """Our p50 and p99 of each of these times, in per cent above vegeta's latency: within 10 %."""
    return [
        excess(
            f"{prefix}{time} time {point}, against vegeta's {point}",
            duel.column("ours", f"{time}_{point}"),
            duel.column("theirs", f"service_{point}"),
            at_most=10,
            both_ways=True,
        )
        for time in times
        for point in ("p50", "p99")
    ]


def fight(bench: Bench, program: Path, url: str, *, rate_per_s: int, rounds: int, duration_s: float) -> Duel:
    """Both generators in each round, `duration_s` each after a second to warm up."""
    played: dict[str, list[Round]] = {"poolstorm": [], "vegeta": []}
    orders = shuffled(rounds, ("poolstorm", "vegeta"), bench.rng)
    for number, order in enumerate(orders, start=1):
        bench.say(f"round {number} of {rounds}")
        for generator in order:
            vegeta.settle()
            if generator == "poolstorm":
                scenario = open_scenario(rate_per_s, duration_s, WARMUP_S)
                played[generator].append(Round.of_ours(run_load(bench, scenario, url)))
            else:
                hits = vegeta.attack(
                    bench, program, host=url, paths=PATHS, rate_per_s=rate_per_s, duration_s=duration_s + WARMUP_S
                )
                played[generator].append(Round.of_vegeta(hits[rate_per_s * WARMUP_S :], rate_per_s))
    return Duel(tuple(played["poolstorm"]), tuple(played["vegeta"]))


def side_by_side(
    bench: Bench,
    program: Path,
    url: str,
    *,
    rate_per_s: int,
    rounds: int,
    duration_s: float,
    locustfile: Locustfile | None = None,
) -> Duel:
    """Both at once in each round, at about `rate_per_s` each: what happens to server and machine meets both. Our
    load is that of a `locustfile` where there is one.
    """
    behaviour: Behaviour = "reader" if locustfile is None else "locustfile"
    ours, theirs = [], []
    their_rate_per_s = rate_per_s + DETUNED_PER_S
    for number in range(1, rounds + 1):
        bench.say(f"round {number} of {rounds}, both at once")
        vegeta.settle()
        hits: list[vegeta.Hit] = []

        def attack(running: Running, into: list[vegeta.Hit] = hits) -> None:
            running.sleep_until(0)
            into += vegeta.attack(
                bench,
                program,
                host=url,
                paths=PATHS,
                rate_per_s=their_rate_per_s,
                duration_s=duration_s + WARMUP_S,
            )

        scenario = open_scenario(rate_per_s, duration_s, WARMUP_S, behaviour)
        recorded = run_load(bench, scenario, url, attack, locustfile)
        ours.append(Round.of_ours(recorded))
        theirs.append(Round.of_vegeta(hits[their_rate_per_s * WARMUP_S :], their_rate_per_s))
    return Duel(tuple(ours), tuple(theirs))
