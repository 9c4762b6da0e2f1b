"""Reads single users with Locust's usual client."""

from __future__ import annotations

import random

from locust import HttpUser, task


class Reader(HttpUser):
    @task
    def read(self) -> None:
        self.client.get(f"/users/{random.randint(1, 1000)}", name="/users/[id]")
