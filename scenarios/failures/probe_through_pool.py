"""A pool that is exhausted, and somebody who asks whether the service lives."""

from scenarios.failures.model import Failure
from scenarios.model import Arrivals, Phase, Scenario

FAILURE = Failure(
    id="probe-through-pool",
    cured_by="the liveness check does not ask the database",
    sign="all-routes",
    paths=("/slow", "/slow", "/slow", "/healthz"),
    also=frozenset({"pool-exhausted"}),
    remains=frozenset({"pool-exhausted"}),
    scenario=Scenario(
        name="probe-through-pool",
        title="Are you alive?",
        question="Is a service that is busy taken for dead?",
        phases=(
            Phase(
                name="warm-up", duration_s=1.0, arrivals=Arrivals(rate_per_s=4), behaviour="visitor", warmup=True
            ),
            Phase(name="steady", duration_s=8.0, arrivals=Arrivals(rate_per_s=30), behaviour="visitor"),
        ),
    ),
)
