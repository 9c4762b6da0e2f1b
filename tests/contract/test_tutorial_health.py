"""Health routes that need what is short: a worker thread, or a connection of the pool that they tell of."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from tests.contract.conftest import TargetFactory
from tests.contract.contract_support import RunningTarget, query, wait_until

pytestmark = pytest.mark.integration

HOLD_MS = 2000
_SLEEPS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'"


def is_held(target: RunningTarget) -> bool:
    """Whether the statement still runs, for PostgreSQL."""
    return bool(query(target.database_url, _SLEEPS)[0][0])


@contextmanager
def held(target: RunningTarget) -> Iterator[None]:
    """A request has the target's only thread, or its only connection; after the block it has ended."""
    with ThreadPoolExecutor(1) as threads:
        hold = threads.submit(target.client.get, "/hold", params={"ms": HOLD_MS})
        wait_until(lambda: is_held(target), "the statement runs")
        yield
        assert hold.result().status_code == 200


@pytest.mark.parametrize(("name", "at_once"), [("sync-pool", True), ("health-in-thread", False)])
def test_a_route_in_a_thread_answers_once_a_thread_is_free(start: TargetFactory, name: str, at_once: bool) -> None:
    target = start(name, pool_size=2, max_overflow=0, threadpool_tokens=1)
    with held(target):
        answer = target.client.get("/health/db")
        assert (answer.status_code, is_held(target)) == (200, at_once)
    assert target.settles()["checked_out"] == 0


@pytest.mark.parametrize(("name", "status"), [("sync-pool", 200), ("health-with-session", 503)])
def test_a_route_that_asks_the_database_is_refused_once_the_pool_is_exhausted(
    start: TargetFactory, name: str, status: int
) -> None:
    target = start(name, pool_size=1, max_overflow=0, pool_timeout_s=0.2)
    with held(target):
        answer = target.client.get("/health/db")
        assert (answer.status_code, is_held(target)) == (status, True)
    answer = target.client.get("/health/db")
    assert (answer.status_code, answer.json()["limit"]) == (200, 1)
