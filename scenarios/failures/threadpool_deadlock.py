"""Sixty who come at once: more than the 40 threads and 5 connections that there are."""

from scenarios.failures.model import Failure
from scenarios.model import Phase, Scenario, under_locust

FAILURE = Failure(
    id="threadpool-deadlock",
    cured_by="the session lives within the endpoint, so that no connection is out while a thread is waited for",
    sign="slow",
    scenario=Scenario(
        name="threadpool-deadlock",
        title="All at once",
        question="Do those who hold a connection wait for those who wait for one?",
        phases=(Phase(name="crowd", duration_s=10.0, users=60, behaviour="locustfile"),),
    ),
)

if under_locust():
    from locust import FastHttpUser, constant_pacing, task

    class Comer(FastHttpUser):
        """Comes when all others come."""

        wait_time = constant_pacing(2.0)

        @task
        def ask(self) -> None:
            """What they all ask for."""
            self.client.get("/items")
