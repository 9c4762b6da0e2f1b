"""Each way in which a request can end, once, with both clients."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import gevent
from locust import FastHttpUser, HttpUser, task
from locust.exception import StopUser


def every_ending(client: Any, **late: Any) -> None:
    """`late` are the client's words for how long it waits."""
    client.get("/items", name="right")
    client.get("/items/100", name="not-there")
    client.get("/broken", name="broken")
    client.get("/exhausted", name="exhausted")
    client.get("http://127.0.0.1:9/", name="nobody-there")
    client.get("/cut-off", name="cut-off")
    client.get("/late?ms=1500", name="too-late", **late)
    with gevent.Timeout(0.05, False):
        client.get("/late?ms=500", name="overdue")
    client.get("/items", name="never-judged", catch_response=True)
    with client.get("/items/100", name="said-right", catch_response=True) as answer:
        answer.success()
    with client.get("/items", name="said-wrong", catch_response=True) as answer:
        answer.failure("too few")
    with client.get("/exhausted", name="said-nothing", catch_response=True):
        pass
    with suppress(ZeroDivisionError), client.get("/items", name="check-raises", catch_response=True):
        _ = 1 / 0
    with suppress(Exception):
        client.get("/items/100", name="raised").raise_for_status()


class Slow(HttpUser):
    @task
    def ask(self) -> None:
        every_ending(self.client, timeout=0.2)
        raise StopUser


class Fast(FastHttpUser):
    network_timeout = 0.7

    @task
    def ask(self) -> None:
        every_ending(self.client)
        raise StopUser
