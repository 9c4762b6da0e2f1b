"""A burst of more reports than are made, and few again."""

from scenarios.failures.model import Failure
from scenarios.model import Arrivals, Phase, Scenario

FAILURE = Failure(
    id="leak-feedback",
    cured_by="the dependency gives its connection back in a `finally`",
    sign="not-returned",
    paths=("/report",),
    also=frozenset({"leak-on-error"}),
    scenario=Scenario(
        name="leak-feedback",
        title="A burst",
        question="Does the service recover from a burst?",
        phases=(
            Phase(
                name="warm-up", duration_s=1.0, arrivals=Arrivals(rate_per_s=4), behaviour="visitor", warmup=True
            ),
            Phase(name="calm", duration_s=3.0, arrivals=Arrivals(rate_per_s=5), behaviour="visitor"),
            Phase(name="burst", duration_s=3.0, arrivals=Arrivals(rate_per_s=40), behaviour="visitor"),
            Phase(name="calm-again", duration_s=5.0, arrivals=Arrivals(rate_per_s=5), behaviour="visitor"),
        ),
    ),
)
