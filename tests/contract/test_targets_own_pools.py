"""What drivers' own pools do otherwise than SQLAlchemy's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

import pytest

from harness.errors import EnvironmentSetupError
from targets.drivers.asyncpg_pool import ObservedPool as AsyncpgPool
from targets.drivers.psycopg_own_pool import ObservedPool as PsycopgPool
from targets.gauges import Gauges
from targets.settings import DatabaseUrl, PoolSettings
from tests.contract.conftest import DatabaseFactory, TargetFactory
from tests.contract.contract_support import (
    OWN_POOLS,
    RunningTarget,
    backends,
    query,
    terminate_backends,
    wait_until,
)

pytestmark = pytest.mark.integration

USED_SINCE = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    " AND query_start > %s"
)


def hold_together(target: RunningTarget, number: int, ms: int = 300) -> dict[str, Any]:
    """So many holds at once; the gauges while all of them have their connections."""
    with ThreadPoolExecutor(number) as threads:
        holds = [threads.submit(target.client.get, "/hold", params={"ms": ms}) for _ in range(number)]
        wait_until(
            lambda: target.pool()["checked_out"] == number and not target.pool()["waiting"], "all hold theirs"
        )
        gauges = target.pool()
        assert [hold.result().status_code for hold in holds] == [200] * number
    return gauges


@pytest.mark.parametrize("name", OWN_POOLS)
def test_a_pool_opens_what_it_keeps_at_the_start_and_keeps_what_it_opened_beyond(
    name: str, start: TargetFactory
) -> None:
    target = start(name, pool_size=2, max_overflow=2)
    wait_until(lambda: target.pool()["checked_in"] == 2, "what it keeps is open, and nobody has asked for it")
    assert target.pool()["requests_total"] == 0
    health = hold_together(target, 3)
    assert (health["status"], health["size"], health["limit"], health["overflow"]) == ("busy", 2, 4, 0)
    after = target.settles()
    assert (after["status"], after["opened_total"], after["closed_total"], after["checked_in"]) == ("ok", 3, 0, 3)
    assert backends(target.database_url) == 3


@pytest.mark.parametrize("name", OWN_POOLS)
@pytest.mark.parametrize(("size", "overflow"), [(0, 5), (5, -1)])
def test_a_pool_that_needs_a_limit_refuses_to_start_without_one(
    name: str, size: int, overflow: int, start: TargetFactory
) -> None:
    with pytest.raises(EnvironmentSetupError) as caught:
        start(name, pool_size=size, max_overflow=overflow)
    said = f"error: POOLSTORM_POOL_SIZE={size}, POOLSTORM_MAX_OVERFLOW={overflow}: this pool cannot be without"
    assert "exit code 2" in str(caught.value)
    assert said in str(caught.value)


@pytest.mark.parametrize("name", OWN_POOLS)
def test_a_loss_that_was_noticed_is_met_by_no_request_and_made_good(name: str, start: TargetFactory) -> None:
    target = start(name, pool_size=3, max_overflow=0)
    wait_until(lambda: target.pool()["checked_in"] == 3, "the pool is open")
    assert terminate_backends(target.database_url) == 3
    if not target.pings:
        wait_until(lambda: target.pool()["invalidated_total"] == 3, "the losses are noticed")
    for user in (1, 2, 3):
        assert target.client.get(f"/users/{user}").status_code == 200
    wait_until(lambda: target.pool()["checked_in"] == 3, "the pool is as large as it was")
    after = target.settles()
    assert (after["opened_total"], after["closed_total"], after["invalidated_total"]) == (6, 3, 3)


def test_a_request_that_meets_several_lost_connections_waits_longer_after_each(start: TargetFactory) -> None:
    target = start("psycopg-raw", pool_size=3, max_overflow=0)
    wait_until(lambda: target.pool()["checked_in"] == 3, "the pool is open")
    assert terminate_backends(target.database_url) == 3
    response = target.client.get("/users/1")
    assert response.status_code == 200
    assert target.settles()["pings_total"] == 4
    acquire_ms = float(response.headers["server-timing"].partition("acquire;dur=")[2].partition(",")[0])
    assert acquire_ms > 2000  # at once after the first, about a second after the second, two after the third


@pytest.mark.parametrize(("recycle_s", "opened"), [(1, 2), (-1, 1)])
def test_a_connection_past_its_age_is_replaced_when_it_comes_back(
    recycle_s: int, opened: int, start: TargetFactory
) -> None:
    target = start("psycopg-raw", pool_size=1, max_overflow=0, pool_recycle_s=recycle_s)
    wait_until(lambda: target.pool()["checked_in"] == 1, "the pool is open")
    assert target.client.get("/hold", params={"ms": 1200}).status_code == 200
    wait_until(lambda: target.pool()["opened_total"] == opened, "another is opened, or none")
    after = target.settles()
    assert (after["closed_total"], after["invalidated_total"]) == (opened - 1, 0)
    assert target.client.get("/users/1").status_code == 200


def test_without_a_check_each_lost_connection_fails_one_request(start: TargetFactory) -> None:
    target = start("psycopg-raw", pool_size=2, max_overflow=0, pre_ping=False)
    wait_until(lambda: target.pool()["checked_in"] == 2, "the pool is open")
    assert terminate_backends(target.database_url) == 2
    assert [target.client.get("/users/1").status_code for _ in range(3)] == [503, 503, 200]
    assert target.settles()["invalidated_total"] == 2


@pytest.mark.parametrize(("name", "distinct"), [("asyncpg-raw", 1), ("psycopg-raw", 3)])
def test_which_connection_is_taken_next_is_the_pools_own_choice(
    name: str, distinct: int, start: TargetFactory
) -> None:
    for use_lifo in (False, True):
        target = start(name, pool_size=3, max_overflow=0, use_lifo=use_lifo, pre_ping=False)
        wait_until(lambda running=target: running.pool()["checked_in"] == 3, "the pool is open")
        hold_together(target, 3)
        target.settles()
        began = query(target.database_url, "SELECT clock_timestamp()")[0][0]
        for _ in range(6):
            assert target.client.get("/users/1").status_code == 200
            target.settles()
        assert query(target.database_url, USED_SINCE, began) == [(distinct,)]
        assert target.client.get("/settings").json()["pool"]["use_lifo"] is None


# --- the pools themselves ---------------------------------------------------------------------------------


class OwnPool(Protocol):
    """What the pools of all drivers have in common."""

    gauges: Gauges

    def running(self) -> AbstractAsyncContextManager[None]: ...

    def acquire(self) -> AbstractAsyncContextManager[Any]: ...


POOLS: dict[str, Callable[[DatabaseUrl, PoolSettings], OwnPool]] = {
    "asyncpg-raw": AsyncpgPool,
    "psycopg-raw": PsycopgPool,
}


@pytest.fixture(params=OWN_POOLS)
def make_pool(request: pytest.FixtureRequest) -> Any:
    """Makes the pool of a target, without the target."""

    def make(url: str, **settings: Any) -> OwnPool:
        return POOLS[request.param](DatabaseUrl.parse(url), PoolSettings(**settings))

    return make


def test_a_connection_found_lost_when_it_is_given_back_takes_no_answers_place(
    make_pool: Any, fresh_database: DatabaseFactory, caplog: pytest.LogCaptureFixture
) -> None:
    async def use(url: str) -> None:
        pool: OwnPool = make_pool(url, pool_size=1, max_overflow=0)
        async with pool.running():
            async with pool.acquire() as connection:
                await connection.execute("SELECT 1")
                terminate_backends(url)  # blocks the loop: the driver does not notice before the end
            while not (lost := pool.gauges.read()).closed_total or lost.checked_out:
                await asyncio.sleep(0.01)  # another is opened, which has a place meanwhile
            assert (lost.closed_total, lost.invalidated_total) == (1, 1)
            async with pool.acquire() as connection:
                await connection.execute("SELECT 1")

    with fresh_database() as url:
        asyncio.run(asyncio.wait_for(use(url), 30))
    assert "a connection was found lost when it was given back" in caplog.text


def test_a_cancelled_task_leaves_nothing_checked_out(make_pool: Any, fresh_database: DatabaseFactory) -> None:
    async def use(url: str) -> None:
        pool: OwnPool = make_pool(url, pool_size=1, max_overflow=0)

        async def sleep() -> None:
            async with pool.acquire() as connection:
                await connection.execute("SELECT pg_sleep(30)")

        async with pool.running():
            for _ in range(3):
                sleeper = asyncio.create_task(sleep())
                while not (pool.gauges.read().checked_out and not pool.gauges.read().waiting):
                    await asyncio.sleep(0.01)
                waiter = asyncio.create_task(sleep())  # cancelled in the pool's queue
                await asyncio.sleep(0.05)
                assert pool.gauges.read().waiting == 1
                waiter.cancel()
                sleeper.cancel()
                results = await asyncio.gather(sleeper, waiter, return_exceptions=True)
                assert [type(result) for result in results] == [asyncio.CancelledError] * 2
                assert (pool.gauges.read().checked_out, pool.gauges.read().waiting) == (0, 0)
            async with pool.acquire() as connection:
                await connection.execute("SELECT 1")

    with fresh_database() as url:
        asyncio.run(asyncio.wait_for(use(url), 30))
