"""A shape of three stages, and users of a fixed number beside weighted ones."""

from __future__ import annotations

from typing import ClassVar

from locust import FastHttpUser, LoadTestShape, constant_throughput, task


class Reader(FastHttpUser):
    wait_time = constant_throughput(20)

    @task
    def read(self) -> None:
        self.client.get("/items", name="read")


class Keeper(FastHttpUser):
    fixed_count = 1
    wait_time = constant_throughput(20)

    @task
    def keep(self) -> None:
        self.client.get("/items/1", name="keep")


class Stages(LoadTestShape):
    stages: ClassVar = [(1, 2), (2, 6), (3, 2)]

    def tick(self) -> tuple[int, float] | None:
        elapsed_s = self.get_run_time()
        return next(((users, 100.0) for until_s, users in self.stages if elapsed_s < until_s), None)
