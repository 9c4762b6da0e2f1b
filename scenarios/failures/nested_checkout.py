"""Some twenty requests a second that hold a connection for 150 ms, on five."""

from scenarios.failures.model import Failure
from scenarios.model import Arrivals, Phase, Scenario

FAILURE = Failure(
    id="nested-checkout",
    cured_by="the audit uses the request's own session",
    sign="failures",
    paths=("/order",),
    scenario=Scenario(
        name="nested-checkout",
        title="A second connection",
        question="Does a request wait for a second connection while it holds its first?",
        phases=(
            Phase(
                name="warm-up", duration_s=1.0, arrivals=Arrivals(rate_per_s=4), behaviour="visitor", warmup=True
            ),
            Phase(
                name="steady",
                duration_s=8.0,
                arrivals=Arrivals(process="poisson", rate_per_s=22),
                behaviour="visitor",
            ),
        ),
    ),
)
