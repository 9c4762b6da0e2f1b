"""Twelve short requests a second."""

from scenarios.failures.model import Failure
from scenarios.model import Arrivals, Phase, Scenario

FAILURE = Failure(
    id="engine-per-request",
    cured_by="the engine is made once, outside of requests",
    sign="opened",
    paths=("/items",),
    scenario=Scenario(
        name="engine-per-request",
        title="Short requests",
        question="Are connections used again?",
        phases=(
            Phase(
                name="warm-up", duration_s=1.0, arrivals=Arrivals(rate_per_s=4), behaviour="visitor", warmup=True
            ),
            Phase(name="steady", duration_s=6.0, arrivals=Arrivals(rate_per_s=12), behaviour="visitor"),
        ),
    ),
)
