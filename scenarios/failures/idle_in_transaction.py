"""Sixteen payments a second that each wait 0.4 s for somebody else, on four connections."""

from scenarios.failures.model import Failure
from scenarios.model import Arrivals, Phase, Scenario

FAILURE = Failure(
    id="idle-in-transaction",
    cured_by="the transaction ends before the provider is asked",
    sign="failures",
    paths=("/pay",),
    scenario=Scenario(
        name="idle-in-transaction",
        title="Waiting for somebody else",
        question="Is a connection kept while something else is waited for?",
        phases=(
            Phase(
                name="warm-up", duration_s=1.0, arrivals=Arrivals(rate_per_s=4), behaviour="visitor", warmup=True
            ),
            Phase(name="steady", duration_s=8.0, arrivals=Arrivals(rate_per_s=16), behaviour="visitor"),
        ),
    ),
)
