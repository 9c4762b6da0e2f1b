"""Reads single users with Locust's fast client."""

from __future__ import annotations

import random

from locust import FastHttpUser, task


class Reader(FastHttpUser):
    @task
    def read(self) -> None:
        self.client.get(f"/users/{random.randint(1, 1000)}", name="/users/[id]")
