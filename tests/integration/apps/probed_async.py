"""SQLAlchemy with asyncpg under FastAPI: an ordinary route, and one for each thing that can be wrong."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Annotated

from fastapi import Depends, FastAPI, Request, Response
from fastapi.responses import StreamingResponse
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

engine = create_async_engine(os.environ["DATABASE_URL"], pool_size=3, max_overflow=0, pool_timeout=0.2)
app = FastAPI()
tasks: set[asyncio.Task[None]] = set()


@app.middleware("http")
async def passes_on(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    """As many apps have one: what is behind it runs in a task of its own. One path it holds a connection for."""
    if request.url.path != "/behind-a-holder":
        return await call_next(request)
    async with engine.connect():
        return await call_next(request)


async def session() -> AsyncIterator[AsyncSession]:
    async with AsyncSession(engine) as opened:
        yield opened


Opened = Annotated[AsyncSession, Depends(session)]


async def _one() -> None:
    async with engine.connect() as connection:
        await connection.execute(text("select pg_sleep(0.05)"))


@app.get("/ordinary")
async def ordinary(opened: Opened) -> int:
    found = await opened.execute(text("select 1"))
    await opened.execute(text("select 2"))
    await opened.commit()
    return int(found.scalar_one())


@app.get("/side-by-side")
async def side_by_side() -> None:
    await asyncio.gather(_one(), _one())


@app.get("/nested")
async def nested(opened: Opened) -> None:
    await opened.execute(text("select 1"))
    await asyncio.gather(_one(), _one())


@app.get("/behind-a-holder")
async def behind_a_holder() -> None:
    await _one()


@app.get("/goes-on-behind")
async def goes_on_behind() -> None:
    async def work() -> None:
        async with engine.connect():
            await asyncio.sleep(0.2)

    task = asyncio.create_task(work())
    tasks.add(task)
    task.add_done_callback(tasks.discard)
    await asyncio.sleep(0.05)


@app.get("/overlapping")
async def overlapping(opened: Opened) -> None:
    await opened.execute(text("select 1"))
    slow = opened.execute(text("select pg_sleep(0.1)"))
    await asyncio.gather(slow, opened.commit(), return_exceptions=True)
    await opened.invalidate()  # or the next one would have its remains


@app.get("/given-up")
async def given_up(opened: Opened) -> None:
    try:
        async with asyncio.timeout(0.1):
            await opened.execute(text("select pg_sleep(5)"))
    except TimeoutError:
        pass


@app.get("/given-up-idle")
async def given_up_idle() -> None:
    try:
        async with asyncio.timeout(0.2), engine.connect():
            await asyncio.sleep(5)
    except TimeoutError:
        pass


@app.get("/slow")
async def slow(opened: Opened) -> None:
    await opened.execute(text("select pg_sleep(1.5)"))
    await opened.execute(text("select 1"))


@app.get("/new-type")
async def new_type(opened: Opened, name: str) -> None:
    await opened.execute(text(f"create type {name} as enum ('a')"))
    await opened.execute(text(f"select 'a'::{name}"))


@app.get("/stream")
async def stream() -> StreamingResponse:
    async def rows() -> AsyncIterator[str]:
        async with AsyncSession(engine) as opened:
            for number in range(3):
                yield str((await opened.execute(text(f"select {number}"))).scalar_one())

    return StreamingResponse(rows())
