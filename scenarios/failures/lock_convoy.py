"""Fifteen changes of one row a second, by transactions of 120 ms."""

from scenarios.failures.model import Failure
from scenarios.model import Arrivals, Phase, Scenario

FAILURE = Failure(
    id="lock-convoy",
    cured_by="the row is changed last, so that it is locked for the COMMIT alone",
    sign="slow",
    paths=("/sell",),
    also=frozenset({"pool-exhausted"}),
    scenario=Scenario(
        name="lock-convoy",
        title="One hot row",
        question="Do transactions wait for one another's locks?",
        phases=(
            Phase(
                name="warm-up", duration_s=1.0, arrivals=Arrivals(rate_per_s=4), behaviour="visitor", warmup=True
            ),
            Phase(name="steady", duration_s=8.0, arrivals=Arrivals(rate_per_s=15), behaviour="visitor"),
        ),
    ),
)
