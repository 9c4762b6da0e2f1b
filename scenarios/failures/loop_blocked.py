"""Queries that take 150 ms beside requests that ask the database nothing."""

from scenarios.failures.model import Failure
from scenarios.model import Arrivals, Phase, Scenario

FAILURE = Failure(
    id="loop-blocked",
    cured_by="the endpoints are `def`, so that a thread waits for the database and not the event loop",
    sign="slow",
    paths=("/report", "/hello"),
    scenario=Scenario(
        name="loop-blocked",
        title="A query and a greeting",
        question="Does a request without the database wait for the queries of others?",
        phases=(
            Phase(
                name="warm-up", duration_s=1.0, arrivals=Arrivals(rate_per_s=4), behaviour="visitor", warmup=True
            ),
            Phase(name="steady", duration_s=8.0, arrivals=Arrivals(rate_per_s=9), behaviour="visitor"),
        ),
    ),
)
