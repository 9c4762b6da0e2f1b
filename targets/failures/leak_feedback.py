"""Refusals under load that each keep a connection for ever, and refusals that give it back."""

import os
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Any

import asyncpg
from fastapi import Depends, FastAPI, HTTPException, Request

MOST_A_SECOND = 15
Dependency = Callable[[Request], AsyncIterator[Any]]


def app_with(get_connection: Dependency) -> FastAPI:
    """The app; only what becomes of a refused request's connection differs."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.pool = await asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=20, max_size=20)
        yield
        app.state.pool.terminate()

    app = FastAPI(lifespan=lifespan)
    begun: deque[float] = deque(maxlen=MOST_A_SECOND)

    @app.get("/report")
    async def report(connection: Annotated[Any, Depends(get_connection)]) -> dict[str, int]:
        if len(begun) == MOST_A_SECOND and time.monotonic() - begun[0] < 1.0:
            raise HTTPException(503, headers={"Retry-After": "1"})
        begun.append(time.monotonic())
        await connection.execute("SELECT pg_sleep(0.1)")
        return {"items": await connection.fetchval("SELECT count(*) FROM items")}

    return app


def broken() -> FastAPI:
    """A refusal ends the dependency at its `yield`: a burst of them empties the pool for good."""

    async def get_connection(request: Request) -> AsyncIterator[Any]:
        pool = request.app.state.pool
        connection = await pool.acquire(timeout=1.0)
        yield connection
        await pool.release(connection)

    return app_with(get_connection)


def cured() -> FastAPI:
    """A refusal gives its connection back."""

    async def get_connection(request: Request) -> AsyncIterator[Any]:
        pool = request.app.state.pool
        connection = await pool.acquire(timeout=1.0)
        try:
            yield connection
        finally:
            await pool.release(connection)

    return app_with(get_connection)
