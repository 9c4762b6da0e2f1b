"""A link that falls silent and stays so until the load's end."""

from scenarios.failures.model import Failure
from scenarios.model import Arrivals, FaultSpec, Phase, Scenario

LOAD = Arrivals(rate_per_s=20)

FAILURE = Failure(
    id="query-hang",
    cured_by="command_timeout in the driver: the client waits so long for an answer, and no longer",
    sign="longest",
    paths=("/items/7",),
    scenario=Scenario(
        name="query-hang",
        title="Statements without an answer",
        question="Does anything bound the waiting for a statement when the database's answers stay away?",
        phases=(
            Phase(name="warm-up", duration_s=1.0, arrivals=LOAD, behaviour="visitor", warmup=True),
            Phase(name="steady", duration_s=2.0, arrivals=LOAD, behaviour="visitor"),
            Phase(
                name="silent",
                duration_s=8.0,
                arrivals=LOAD,
                behaviour="visitor",
                faults=(FaultSpec(kind="timeout", at_s=0.0, duration_s=8.0),),
            ),
        ),
    ),
)
