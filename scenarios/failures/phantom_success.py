"""Orders of which one in five breaks a constraint that is checked at the COMMIT; each is looked for afterwards."""

from scenarios.failures.model import Failure
from scenarios.model import Phase, Scenario, under_locust

FAILURE = Failure(
    id="phantom-success",
    cured_by="the endpoint commits before it answers",
    sign="failures",
    scenario=Scenario(
        name="phantom-success",
        title="What was acknowledged",
        question="Is there what a client was told is there?",
        phases=(Phase(name="steady", duration_s=8.0, users=6, behaviour="locustfile"),),
    ),
)

if under_locust():
    import random
    import uuid

    from locust import FastHttpUser, constant, task

    class Customer(FastHttpUser):
        """Orders something, and looks for what was acknowledged."""

        wait_time = constant(0.4)

        @task
        def order(self) -> None:
            """An order that is turned down is no failure; one that is acknowledged and lost is."""
            token, item_id = str(uuid.uuid4()), random.choice((1, 2, 3, 4, 9999))
            asked = {"token": token, "item_id": item_id}
            with self.client.post("/orders", json=asked, name="order", catch_response=True) as answer:
                acknowledged = answer.status_code == 200
                if answer.status_code == 409:
                    answer.success()
            if acknowledged:
                self.client.get(f"/orders/{token}", name="find")
