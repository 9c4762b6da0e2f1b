"""Taking a connection from each pool and giving it back, and opening one.

A round is `CHECKOUTS` checkouts one after the other, with synchronous and asynchronous pools alike: entering the
event loop costs more than a checkout, and so is spread over as many.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

import asyncpg
import psycopg2
import pytest
import uvloop
from pytest_benchmark.fixture import BenchmarkFixture
from sqlalchemy import Engine, NullPool, create_engine
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from targets.instrument import instrument
from targets.settings import DatabaseUrl

CHECKOUTS = 20


@dataclass(frozen=True, slots=True)
class Case:
    """A pool to be measured. `pre_ping` is None without a pool, where each checkout connects."""

    driver: str
    pre_ping: bool | None
    instrumented: bool = False

    def __str__(self) -> str:
        pool = {None: "no-pool", True: "queue-pool-pre-ping", False: "queue-pool"}[self.pre_ping]
        return f"{self.driver}-{pool}" + ("-instrumented" if self.instrumented else "")


def cases(driver: str) -> list[Case]:
    """The instrumented one is what the targets run: the difference is what measuring costs."""
    return [Case(driver, False), Case(driver, False, instrumented=True), Case(driver, True), Case(driver, None)]


def sync_engine(database: DatabaseUrl, case: Case) -> Engine:
    if case.pre_ping is None:
        engine = create_engine(database.psycopg2(), poolclass=NullPool)
    else:
        engine = create_engine(database.psycopg2(), pool_size=10, max_overflow=20, pool_pre_ping=case.pre_ping)
    if case.instrumented:
        instrument(engine)
    return engine


def async_engine(database: DatabaseUrl, case: Case) -> AsyncEngine:
    if case.pre_ping is None:
        engine = create_async_engine(database.asyncpg(), poolclass=NullPool)
    else:
        engine = create_async_engine(
            database.asyncpg(), pool_size=10, max_overflow=20, pool_pre_ping=case.pre_ping
        )
    if case.instrumented:
        instrument(engine)
    return engine


@pytest.fixture(scope="module")
def loop() -> Iterator[Callable[[Awaitable[None]], None]]:
    """Runs a coroutine to its end, on uvloop as the targets do."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        yield runner.get_loop().run_until_complete


@pytest.mark.benchmark(group=f"{CHECKOUTS} checkouts and returns")
@pytest.mark.parametrize("case", cases("psycopg2"), ids=str)
def test_checkout(benchmark: BenchmarkFixture, database: DatabaseUrl, case: Case) -> None:
    engine = sync_engine(database, case)

    def check_out() -> None:
        for _ in range(CHECKOUTS):
            with engine.connect():
                pass

    check_out()
    benchmark(check_out)
    engine.dispose()


@pytest.mark.benchmark(group=f"{CHECKOUTS} checkouts and returns")
@pytest.mark.parametrize("case", cases("asyncpg"), ids=str)
def test_checkout_async(
    benchmark: BenchmarkFixture,
    database: DatabaseUrl,
    loop: Callable[[Awaitable[None]], None],
    case: Case,
) -> None:
    engine = async_engine(database, case)

    async def check_out() -> None:
        for _ in range(CHECKOUTS):
            async with engine.connect():
                pass

    loop(check_out())
    benchmark(lambda: loop(check_out()))
    loop(engine.dispose())


@pytest.mark.benchmark(group="connecting and closing, driver alone")
def test_connect_psycopg2(benchmark: BenchmarkFixture, database: DatabaseUrl) -> None:
    address = database.psycopg2().replace("+psycopg2", "")

    benchmark(lambda: psycopg2.connect(address).close())


@pytest.mark.benchmark(group="connecting and closing, driver alone")
def test_connect_asyncpg(
    benchmark: BenchmarkFixture, database: DatabaseUrl, loop: Callable[[Awaitable[None]], None]
) -> None:
    address = database.asyncpg().replace("+asyncpg", "")

    async def connect() -> None:
        connection = await asyncpg.connect(address)
        await connection.close()

    benchmark(lambda: loop(connect()))
