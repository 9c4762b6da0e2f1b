"""A sequence with a login, checks by catch_response, an own option with a default, listeners of all kinds."""

from __future__ import annotations

from typing import Any

from locust import HttpUser, SequentialTaskSet, constant, events, task

heard: list[str] = []


@events.init_command_line_parser.add_listener
def options(parser: Any, **_: Any) -> None:
    parser.add_argument("--least-cents", type=int, default=1000)


@events.init.add_listener
def begin(environment: Any, **_: Any) -> None:
    heard.append("init")
    print("option", environment.parsed_options.least_cents)  # noqa: T201


@events.test_start.add_listener
def started(**_: Any) -> None:
    heard.append("test_start")


@events.request.add_listener
def request(**_: Any) -> None:
    if heard[-1] != "request":
        heard.append("request")


@events.test_stop.add_listener
def stopped(environment: Any, **_: Any) -> None:
    print("heard", *heard, "test_stop", environment.stats.total.num_requests)  # noqa: T201


class Purchase(SequentialTaskSet):
    def on_start(self) -> None:
        self.client.post("/login")

    @task
    def look(self) -> None:
        self.client.get("/items")

    @task
    def fill(self) -> None:
        self.client.post("/basket", json={"item": 3})

    @task
    def order(self) -> None:
        with self.client.post("/orders", catch_response=True) as answer:
            if answer.json()["total_cents"] < self.user.environment.parsed_options.least_cents:
                answer.failure("too cheap")

    @task
    def leave(self) -> None:
        with self.client.get("/items/100", name="gone", catch_response=True) as answer:
            if answer.status_code == 404:
                answer.success()
        self.interrupt()


class Buyer(HttpUser):
    wait_time = constant(0.02)
    tasks = [Purchase]  # noqa: RUF012
