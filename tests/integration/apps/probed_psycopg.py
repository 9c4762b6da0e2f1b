"""psycopg's own pools under FastAPI: an ordinary route, and one for each thing that can be wrong."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Annotated, Any

import psycopg
from fastapi import Depends, FastAPI
from psycopg_pool import AsyncConnectionPool, ConnectionPool, PoolTimeout

URL = os.environ["DATABASE_URL"]
pool = AsyncConnectionPool(URL, min_size=2, max_size=2, open=False)
synchronous = ConnectionPool(URL, min_size=1, max_size=1, open=False)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    synchronous.open()
    synchronous.wait()
    async with pool:
        await pool.wait()
        async with pool.connection() as connection:
            await connection.execute(
                "create table if not exists pair (n int unique deferrable initially deferred)"
            )
            await connection.execute("insert into pair select 1 where not exists (select from pair)")
        yield
    synchronous.close()


app = FastAPI(lifespan=lifespan)


async def connected() -> AsyncIterator[Any]:
    async with pool.connection() as connection:
        yield connection


Connected = Annotated[Any, Depends(connected)]


@app.get("/ordinary")
async def ordinary() -> int:
    async with pool.connection() as connection:
        async with connection.transaction():
            await connection.execute("select 1")
        found = await (await connection.execute("select 2")).fetchone()
        assert found is not None
        return int(found[0])


@app.get("/ordinary-in-a-thread")
def ordinary_in_a_thread() -> None:
    with synchronous.connection() as connection:
        connection.execute("select 1")


@app.get("/late")
async def late(connection: Connected) -> None:
    await connection.execute("select 1")


@app.get("/late-and-lost")
async def late_and_lost(connection: Connected) -> None:
    async with connection.transaction():
        await connection.execute("select 1")
    await connection.execute("insert into pair values (1)")


@app.get("/blocking")
async def blocking() -> None:
    with synchronous.connection() as connection:
        connection.execute("select 1")
        with connection.transaction():
            connection.execute("select 2")


@app.get("/nested")
async def nested() -> None:
    async with pool.connection(), pool.connection() as second:
        await second.execute("select 1")


@app.get("/nested-in-vain")
async def nested_in_vain() -> None:
    async with pool.connection(), pool.connection():
        with suppress(PoolTimeout):
            await pool.getconn(timeout=0.1)


@app.get("/fails")
async def fails() -> None:
    try:
        async with pool.connection() as connection:
            await connection.execute("select 1 / 0")
    except psycopg.Error:
        pass
