"""SQLModel on psycopg 3 in worker threads, on a queue pool of 10+20 connections: as FastAPI's template begins.

The template leaves SQLAlchemy's own pool of 5+10 without a pre-ping; here it is that of the other targets, so that
only the mapper differs (`--pool pool_size=5 --pool max_overflow=10 --pool pre_ping=false --pool pool_recycle_s=-1`
gives the template's). What is written is read again after its commit, in a transaction of its own: a request that
creates a user takes a connection twice. And its session is SQLModel's plain one, so that a connection lost at the
session's very end fails after the answer is out, and cuts the client off.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
from fastapi import FastAPI

from targets.drivers.sqlmodel_deps import SETTINGS, TARGET, engine, gauges
from targets.drivers.sqlmodel_routes import router
from targets.operations import operations_router, set_threadpool_tokens
from targets.problems import install_problem_handlers
from targets.timing import ServerTimingMiddleware


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Size the thread pool; close the connections at the end."""
    set_threadpool_tokens(SETTINGS.threadpool_tokens)
    yield
    engine.dispose()


app = FastAPI(title=TARGET.title, lifespan=lifespan)
app.add_middleware(ServerTimingMiddleware)
install_problem_handlers(app, psycopg.Error)
app.include_router(router)
app.include_router(operations_router(TARGET, SETTINGS, gauges))
