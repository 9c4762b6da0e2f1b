"""The target sync-pool without its instrumentation: the same pool, sessions, routes and problem documents.

What is missing is `instrument(engine)`, the Server-Timing middleware, and the routes that show gauges.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from sqlalchemy import create_engine
from sqlalchemy.orm import Session, sessionmaker

from targets.operations import set_threadpool_tokens
from targets.problems import install_problem_handlers
from targets.registry import TARGETS
from targets.sessions import RequestSession
from targets.settings import load_or_exit
from targets.sync_routes import bank_router

TARGET = TARGETS["sync-pool"]
DATABASE, SETTINGS = load_or_exit(TARGET.defaults)

engine = create_engine(
    DATABASE.psycopg2(),
    pool_size=SETTINGS.pool_size,
    max_overflow=SETTINGS.max_overflow,
    pool_timeout=SETTINGS.pool_timeout_s,
    pool_recycle=SETTINGS.pool_recycle_s,
    pool_pre_ping=SETTINGS.pre_ping,
    pool_use_lifo=SETTINGS.use_lifo,
    connect_args=SETTINGS.psycopg2_connect_args(),
)
new_session = sessionmaker(engine, class_=RequestSession, expire_on_commit=False)


def get_session() -> Iterator[Session]:
    """A session for one request."""
    with new_session() as session:
        yield session


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """As the target has it."""
    set_threadpool_tokens(SETTINGS.threadpool_tokens)
    yield
    engine.dispose()


app = FastAPI(title=TARGET.title, lifespan=lifespan)
install_problem_handlers(app)
app.include_router(bank_router(get_session))


@app.get("/health/live")
async def live() -> dict[str, str]:
    """So that it is known to be up."""
    return {"status": "alive"}
