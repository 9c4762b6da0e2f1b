"""Thirty requests a second that hold a connection for 150 ms: now more of them, now fewer."""

from scenarios.failures.model import Failure
from scenarios.model import Arrivals, Phase, Scenario

FAILURE = Failure(
    id="overflow-thrash",
    cured_by="all connections are kept: pool_size is the peak, max_overflow is 0",
    sign="opened",
    paths=("/items",),
    scenario=Scenario(
        name="overflow-thrash",
        title="More than are kept",
        question="Are connections closed that are needed again at once?",
        phases=(
            Phase(
                name="warm-up", duration_s=1.0, arrivals=Arrivals(rate_per_s=4), behaviour="visitor", warmup=True
            ),
            Phase(
                name="steady",
                duration_s=6.0,
                arrivals=Arrivals(process="poisson", rate_per_s=30),
                behaviour="visitor",
            ),
        ),
    ),
)
