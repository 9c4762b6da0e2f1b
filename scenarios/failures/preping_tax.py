"""A database 20 ms away, where each round trip counts."""

from scenarios.failures.model import Failure
from scenarios.model import Arrivals, FaultSpec, Phase, Scenario

LOAD = Arrivals(rate_per_s=30)

FAILURE = Failure(
    id="preping-tax",
    cured_by="no ping before each use; connections are recycled before the network would end them",
    sign="slow",
    paths=("/items/7",),
    scenario=Scenario(
        name="preping-tax",
        title="A look before each use, from afar",
        question="Which share of a request goes into seeing whether its connection lives?",
        phases=(
            Phase(name="warm-up", duration_s=1.0, arrivals=LOAD, behaviour="visitor", warmup=True),
            Phase(
                name="far",
                duration_s=8.0,
                arrivals=LOAD,
                behaviour="visitor",
                faults=(FaultSpec(kind="latency", at_s=0.0, duration_s=8.0, settings={"latency_ms": 20}),),
            ),
        ),
    ),
)
