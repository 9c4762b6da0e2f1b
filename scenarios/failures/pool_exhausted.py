"""Arrivals that hold a connection longer than the pool can bear: 40 a second for 200 ms each on 4 connections."""

from scenarios.failures.model import Failure
from scenarios.model import Arrivals, Phase, Scenario

FAILURE = Failure(
    id="pool-exhausted",
    cured_by="a pool of the size that Little's law asks for: 40 a second for 0.2 s each are 8, and 20 leave room",
    sign="failures",
    paths=("/slow",),
    scenario=Scenario(
        name="pool-exhausted",
        title="More wanted than there are",
        question="Does the pool have as many connections as the load holds at once?",
        phases=(
            Phase(
                name="warm-up", duration_s=1.0, arrivals=Arrivals(rate_per_s=5), behaviour="visitor", warmup=True
            ),
            Phase(name="steady", duration_s=8.0, arrivals=Arrivals(rate_per_s=40), behaviour="visitor"),
        ),
    ),
)
