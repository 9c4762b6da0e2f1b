"""Four streamed exports a second, of two seconds each, beside short reads, on five connections."""

from scenarios.failures.model import Failure
from scenarios.model import Arrivals, Phase, Scenario

FAILURE = Failure(
    id="stream-pins-session",
    cured_by="the session ends when the endpoint returns (scope function), before the response is streamed",
    sign="failures",
    paths=("/export", "/items"),
    also=frozenset({"idle-in-transaction"}),
    scenario=Scenario(
        name="stream-pins-session",
        title="Exports that take their time",
        question="Is a connection kept while a response is streamed?",
        phases=(
            Phase(
                name="warm-up", duration_s=1.0, arrivals=Arrivals(rate_per_s=4), behaviour="visitor", warmup=True
            ),
            Phase(name="steady", duration_s=8.0, arrivals=Arrivals(rate_per_s=10), behaviour="visitor"),
        ),
    ),
)
