"""Bare Locust in a process of its own: the harness's tasks, no recorder, Locust's own statistics.

Run as `python -m benchmarks.fidelity.bare_locust`, it says that it is ready, reads one JSON order on standard
input, waits for the moment that it names, and writes one JSON line: how many requests ended within the window, and
how many of them failed.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict

import gevent
from locust import FastHttpUser, User
from locust.env import Environment

from benchmarks.fidelity.bare_order import READY, Answer, Order
from scenarios.users import BEHAVIOURS, Choices, PoolUser


def with_fast_http(own: type[PoolUser]) -> type[User]:
    """A FastHttpUser as Locust has it, with the tasks and pauses of one of the harness's users."""
    return type("Fast", (Choices, FastHttpUser), {"tasks": own.tasks, "wait_time": own.wait_time})


def work(order: Order) -> Answer:
    """Offer the load and count."""
    own = BEHAVIOURS[order.behaviour]
    user_class = own if order.client == "own" else with_fast_http(own)
    user_class.host = order.host
    environment = Environment(user_classes=[user_class], host=order.host)
    runner = environment.create_local_runner()
    _sleep_until(order.origin_ns, 0)
    runner.start(order.users, spawn_rate=order.users)
    _sleep_until(order.origin_ns, order.from_s)
    before = _counted(environment)
    _sleep_until(order.origin_ns, order.to_s)
    after = _counted(environment)
    answer = Answer(after.completed - before.completed, after.failed - before.failed)
    runner.quit()
    return answer


def _counted(environment: Environment) -> Answer:
    """All so far. Locust replaces the account when users start, so that it has to be asked for each time."""
    total = environment.stats.total
    return Answer(total.num_requests, total.num_failures)


def _sleep_until(origin_ns: int, offset_s: float) -> None:
    gevent.sleep(max(0.0, (origin_ns - time.monotonic_ns()) / 1e9 + offset_s))


if __name__ == "__main__":
    sys.stdout.write(READY + "\n")
    sys.stdout.flush()
    sys.stdout.write(json.dumps(asdict(work(Order(**json.loads(sys.stdin.readline()))))) + "\n")
