"""One request in six asks for what is not there, and is answered 404."""

from scenarios.failures.model import Failure
from scenarios.model import Arrivals, Phase, Scenario

FAILURE = Failure(
    id="leak-on-error",
    cured_by="the dependency gives its connection back in a `finally`",
    sign="not-returned",
    paths=("/items/1", "/items/2", "/items/3", "/items/4", "/items/5", "/items/9999"),
    scenario=Scenario(
        name="leak-on-error",
        title="Requests that fail",
        question="Does a request that fails give its connection back?",
        phases=(
            Phase(
                name="warm-up", duration_s=1.0, arrivals=Arrivals(rate_per_s=4), behaviour="visitor", warmup=True
            ),
            Phase(name="steady", duration_s=8.0, arrivals=Arrivals(rate_per_s=12), behaviour="visitor"),
        ),
    ),
)
