"""A server that ends idle sessions now and then, under a load that leaves most of them idle."""

from scenarios.failures.model import Failure
from scenarios.model import Arrivals, FaultSpec, Phase, Scenario

LOAD = Arrivals(rate_per_s=10)

FAILURE = Failure(
    id="stale-idle",
    cured_by="pool_pre_ping: a connection is tried before it is handed out",
    sign="failures",
    paths=("/items/7",),
    scenario=Scenario(
        name="stale-idle",
        title="Idle sessions ended",
        question="What becomes of requests that get a connection which the server has ended long since?",
        phases=(
            Phase(name="warm-up", duration_s=1.0, arrivals=LOAD, behaviour="visitor", warmup=True),
            Phase(
                name="steady",
                duration_s=10.0,
                arrivals=LOAD,
                behaviour="visitor",
                faults=tuple(
                    FaultSpec(
                        kind="terminate-sessions",
                        part="primary",
                        at_s=at_s,
                        duration_s=0.2,
                        settings={"idle_only": True},
                    )
                    for at_s in (1.05, 2.55, 4.05, 5.55, 7.05, 8.55)
                ),
            ),
        ),
    ),
)
