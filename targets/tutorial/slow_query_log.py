"""Slow statements logged as the tutorial writes it: a listener before each execution, and one after it."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from sqlalchemy import Connection, create_engine, event
from sqlalchemy.orm import Session, sessionmaker

from targets.instrument import instrument
from targets.operations import operations_router, set_threadpool_tokens
from targets.problems import install_problem_handlers
from targets.settings import load_or_exit
from targets.sync_routes import bank_router
from targets.timing import ServerTimingMiddleware
from targets.tutorial.registry import TUTORIAL
from targets.tutorial.slow_statements import slow_statements_router

TARGET = TUTORIAL["slow-query-log"]
DATABASE, SETTINGS = load_or_exit(TARGET.defaults)
SLOW_S = 0.1

logger = logging.getLogger("slow_query_log")
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
gauges = instrument(engine, float("inf"))  # whose own log of slow statements is not asked here
SessionLocal = sessionmaker(bind=engine, autoflush=False)


@event.listens_for(engine, "before_cursor_execute")
def note_start(conn: Connection, *_: Any) -> None:
    """Remember when it began."""
    conn.info.setdefault("query_start_time", []).append(time.time())


@event.listens_for(engine, "after_cursor_execute")
def log_if_slow(conn: Connection, cursor: Any, statement: str, *_: Any) -> None:  # noqa: ARG001
    """Report what took too long."""
    taken_s = time.time() - conn.info["query_start_time"].pop(-1)
    if taken_s > SLOW_S:
        logger.warning("slow query (%.3f s): %s", taken_s, " ".join(statement.split()))


def get_db() -> Iterator[Session]:
    """A session for one request, closed at its end."""
    db = SessionLocal()
    try:
        yield db
    finally:
        db.close()


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Size the thread pool; close the connections at the end."""
    set_threadpool_tokens(SETTINGS.threadpool_tokens)
    yield
    engine.dispose()


app = FastAPI(title=TARGET.title, lifespan=lifespan)
app.add_middleware(ServerTimingMiddleware)
install_problem_handlers(app)
app.include_router(bank_router(get_db))
app.include_router(slow_statements_router(get_db))
app.include_router(operations_router(TARGET, SETTINGS, gauges))
