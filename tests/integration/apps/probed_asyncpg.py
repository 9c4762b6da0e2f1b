"""asyncpg's own pool under FastAPI: an ordinary route, and one for each thing that can be wrong."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Annotated, Any

import asyncpg
from fastapi import Depends, FastAPI

pools: list[Any] = []
kept: list[Any] = []


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    async with asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=2, max_size=2) as pool:
        kept.append(await pool.acquire())
        await kept[0].execute("create table if not exists pair (n int unique deferrable initially deferred)")
        await kept[0].execute("insert into pair select 1 where not exists (select from pair)")
        pools.append(pool)
        yield
        await pool.release(kept.pop())


app = FastAPI(lifespan=lifespan)


async def in_a_transaction() -> AsyncIterator[Any]:
    async with pools[0].acquire() as connection, connection.transaction():
        yield connection


InATransaction = Annotated[Any, Depends(in_a_transaction)]


@app.get("/ordinary")
async def ordinary() -> int:
    async with pools[0].acquire() as connection:
        async with connection.transaction():
            await connection.execute("select 1")
        return int(await connection.fetchval("select $1::int", 2))


@app.get("/late")
async def late(connection: InATransaction) -> None:
    await connection.execute("select 1")


@app.get("/late-and-lost")
async def late_and_lost(connection: InATransaction) -> None:
    await connection.execute("insert into pair values (1)")


@app.get("/nested-in-vain")
async def nested_in_vain() -> None:
    async with pools[0].acquire():
        with suppress(TimeoutError):
            await pools[0].acquire(timeout=0.1)


@app.get("/overlapping")
async def overlapping() -> None:
    async with pools[0].acquire() as connection:
        await asyncio.gather(*(connection.fetch("select pg_sleep(0.1)") for _ in range(2)), return_exceptions=True)


@app.get("/takes-too-long")
async def takes_too_long() -> None:
    async with pools[0].acquire() as connection:
        with suppress(TimeoutError):
            await connection.fetch("select pg_sleep(5)", timeout=0.1)


@app.get("/fails")
async def fails() -> None:
    async with pools[0].acquire() as connection:
        with suppress(asyncpg.PostgresError):
            await connection.fetchval("select 1 / $1::int", 0)


@app.get("/uses-what-was-kept")
async def uses_what_was_kept() -> None:
    await kept[0].execute("select 1")


@app.get("/new-type")
async def new_type(name: str) -> None:
    async with pools[0].acquire() as connection:
        await connection.execute(f"create type {name} as enum ('a')")
        await connection.fetchval(f"select 'a'::{name}")


@app.get("/pool-of-its-own")
async def pool_of_its_own() -> None:
    async with asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=0, max_size=1) as mine:
        await mine.fetchval("select 1")


@app.get("/is-not-answered")
async def is_not_answered() -> None:
    async def silent(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(1)
        writer.close()

    async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        mine = asyncpg.create_pool(host=host, port=port, user="x", min_size=0, max_size=1, timeout=0.1, ssl=False)
        async with mine:
            with suppress(TimeoutError):
                await mine.fetchval("select 1")
