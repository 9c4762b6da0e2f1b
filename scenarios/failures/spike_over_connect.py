"""Few, then forty at once while each round trip takes 20 ms, then few again."""

from scenarios.failures.model import Failure
from scenarios.model import FaultSpec, Phase, Scenario, under_locust

FAILURE = Failure(
    id="spike-over-connect",
    cured_by="a fixed pool: max_overflow is 0",
    sign="opened",
    scenario=Scenario(
        name="spike-over-connect",
        title="A burst",
        question="How many connections does a burst open?",
        phases=(
            Phase(name="few", duration_s=3.0, users=2, behaviour="locustfile"),
            Phase(
                name="burst",
                duration_s=4.0,
                users=40,
                behaviour="locustfile",
                faults=(FaultSpec(kind="latency", at_s=0.0, duration_s=4.0, settings={"latency_ms": 20}),),
            ),
            Phase(name="few-again", duration_s=3.0, users=2, behaviour="locustfile"),
        ),
    ),
)

if under_locust():
    from locust import FastHttpUser, constant_pacing, task

    class Comer(FastHttpUser):
        """Comes when all others come."""

        wait_time = constant_pacing(4.0)

        @task
        def ask(self) -> None:
            """What they all ask for."""
            self.client.get("/items")
