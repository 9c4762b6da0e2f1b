"""Thirty who come at once to a server that has ten connections left."""

from scenarios.failures.model import Failure
from scenarios.model import FaultSpec, Phase, Scenario, under_locust

FAILURE = Failure(
    id="no-pool-no-cap",
    cured_by="a pool of eight: the others wait in the app",
    sign="failures",
    scenario=Scenario(
        name="no-pool-no-cap",
        title="All at once",
        question="How many connections are opened when many come?",
        phases=(
            Phase(
                name="crowd",
                duration_s=8.0,
                users=30,
                behaviour="locustfile",
                faults=(
                    FaultSpec(
                        kind="exhaust-connections",
                        part="primary",
                        at_s=0.8,
                        duration_s=7.0,
                        settings={"leave": 10},
                    ),
                ),
            ),
        ),
    ),
)

if under_locust():
    from locust import FastHttpUser, constant_pacing, task

    class Comer(FastHttpUser):
        """Comes when all others come."""

        wait_time = constant_pacing(3.0)

        @task
        def ask(self) -> None:
            """What they all ask for."""
            self.client.get("/items")
