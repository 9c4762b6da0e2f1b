"""psycopg 3 without SQLAlchemy, on psycopg's own pool of 10 to 30 connections.

How it differs from SQLAlchemy's pool is told in `targets.drivers.psycopg_own_pool`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from targets.drivers.psycopg_own_pool import DRIVER_ERRORS, ObservedPool
from targets.drivers.psycopg_routes import bank_router
from targets.drivers.registry import DRIVERS
from targets.operations import operations_router, set_threadpool_tokens
from targets.problems import install_problem_handlers
from targets.settings import load_or_exit
from targets.timing import ServerTimingMiddleware

TARGET = DRIVERS["psycopg-raw"]
DATABASE, SETTINGS = load_or_exit(TARGET.defaults, bounded=True)

pool = ObservedPool(DATABASE, SETTINGS)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Size the thread pool; open the pool, and close it at the end."""
    set_threadpool_tokens(SETTINGS.threadpool_tokens)
    async with pool.running():
        yield


app = FastAPI(title=TARGET.title, lifespan=lifespan)
app.add_middleware(ServerTimingMiddleware)
install_problem_handlers(app, *DRIVER_ERRORS)
app.include_router(bank_router(pool.acquire))
app.include_router(operations_router(TARGET, SETTINGS, pool.gauges))
