"""Nested task sets, two kinds of HTTP user by weight, tags, and a helper module beside the file."""

from __future__ import annotations

import random

from helper_beside import any_page
from locust import FastHttpUser, HttpUser, TaskSet, between, tag, task


class Catalogue(TaskSet):
    @task(3)
    def page(self) -> None:
        self.client.get(f"/items?page={any_page()}")

    @tag("detail")
    @task(2)
    class Item(TaskSet):
        @task(4)
        def look(self) -> None:
            self.client.get(f"/items/{random.randint(1, 99)}", name="/items/[id]")

        @task
        def back(self) -> None:
            self.interrupt()


class Visitor(FastHttpUser):
    weight = 3
    wait_time = between(0.01, 0.03)
    tasks = [Catalogue]  # noqa: RUF012


class Member(HttpUser):
    host = "http://example.invalid"  # as most files name one
    weight = 1
    wait_time = between(0.01, 0.03)

    def on_start(self) -> None:
        self.client.post("/login")

    @tag("detail")
    @task(2)
    def look(self) -> None:
        self.client.get("/items/7", name="/items/[id]")

    @tag("buy")
    @task
    def fill_basket(self) -> None:
        self.client.post("/basket", json={"item": 7})

    def on_stop(self) -> None:
        self.client.post("/logout")
