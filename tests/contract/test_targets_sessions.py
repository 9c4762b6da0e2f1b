"""The session of a request against a database that goes away under it."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from targets.instrument import instrument
from targets.sessions import RequestSession
from targets.settings import DatabaseUrl
from tests.contract.conftest import DatabaseFactory
from tests.contract.contract_support import backends, terminate_backends, wait_until

pytestmark = pytest.mark.integration

ONE = text("SELECT 1")


def end_backends(url: str) -> None:
    assert terminate_backends(url) == 1
    wait_until(lambda: backends(url) == 0, "the backend is gone")


def test_a_session_ends_quietly_when_its_connection_is_gone(
    fresh_database: DatabaseFactory, caplog: pytest.LogCaptureFixture
) -> None:
    with fresh_database() as url:
        engine = create_engine(DatabaseUrl.parse(url).psycopg2())
        gauges = instrument(engine)
        with RequestSession(engine) as session:
            session.execute(ONE)
            end_backends(url)
        assert (gauges.read().checked_out, gauges.read().invalidated_total) == (0, 1)
        with RequestSession(engine) as session:
            assert session.scalar(ONE) == 1
        engine.dispose()
    assert [record.levelname for record in caplog.records if record.name == "poolstorm.target"] == ["WARNING"]


def test_an_asynchronous_session_ends_quietly_when_its_connection_is_gone(
    fresh_database: DatabaseFactory, caplog: pytest.LogCaptureFixture
) -> None:
    async def use(url: str) -> None:
        engine = create_async_engine(DatabaseUrl.parse(url).asyncpg())
        gauges = instrument(engine)
        async with AsyncSession(engine, sync_session_class=RequestSession) as session:
            await session.execute(ONE)
            end_backends(url)  # blocks the loop: the driver does not notice before the end
        assert (gauges.read().checked_out, gauges.read().invalidated_total) == (0, 1)
        async with AsyncSession(engine, sync_session_class=RequestSession) as session:
            assert await session.scalar(ONE) == 1
        await engine.dispose()

    with fresh_database() as url:
        asyncio.run(use(url))
    assert [record.levelname for record in caplog.records if record.name == "poolstorm.target"] == ["WARNING"]


def test_a_cancelled_task_leaves_nothing_checked_out(fresh_database: DatabaseFactory) -> None:
    async def use(url: str) -> None:
        engine = create_async_engine(DatabaseUrl.parse(url).asyncpg(), pool_size=1, max_overflow=0)
        gauges = instrument(engine)

        async def sleep() -> None:
            async with AsyncSession(engine, sync_session_class=RequestSession) as session:
                await session.execute(text("SELECT pg_sleep(30)"))

        for _ in range(3):
            sleeper = asyncio.create_task(sleep())
            while not (gauges.read().checked_out and not gauges.read().waiting):
                await asyncio.sleep(0.01)
            waiter = asyncio.create_task(sleep())  # cancelled in the pool's queue
            await asyncio.sleep(0.05)
            assert gauges.read().waiting == 1
            waiter.cancel()
            sleeper.cancel()
            results = await asyncio.gather(sleeper, waiter, return_exceptions=True)
            assert [type(result) for result in results] == [asyncio.CancelledError] * 2
            assert (gauges.read().checked_out, gauges.read().waiting) == (0, 0)
        async with AsyncSession(engine, sync_session_class=RequestSession) as session:
            assert await session.scalar(ONE) == 1
        await engine.dispose()

    with fresh_database() as url:
        asyncio.run(use(url))
