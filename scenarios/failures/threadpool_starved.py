"""Background tasks that keep 52 threads, where there are 40, beside short reads."""

from scenarios.failures.model import Failure
from scenarios.model import Arrivals, Phase, Scenario

FAILURE = Failure(
    id="threadpool-starved",
    cured_by="background tasks have a limiter, and so threads, of their own",
    sign="slow",
    paths=("/notify", "/items"),
    scenario=Scenario(
        name="threadpool-starved",
        title="Tasks in the background",
        question="Do background tasks leave threads for requests?",
        phases=(
            Phase(
                name="warm-up", duration_s=1.0, arrivals=Arrivals(rate_per_s=4), behaviour="visitor", warmup=True
            ),
            Phase(name="steady", duration_s=8.0, arrivals=Arrivals(rate_per_s=30), behaviour="visitor"),
        ),
    ),
)
