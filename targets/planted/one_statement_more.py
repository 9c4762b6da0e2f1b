"""sync-pool whose session asks who is logged in before each request, as dependencies come to do."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session, sessionmaker

from targets.instrument import instrument
from targets.operations import operations_router, set_threadpool_tokens
from targets.planted.registry import PLANTED
from targets.problems import install_problem_handlers
from targets.sessions import RequestSession
from targets.settings import load_or_exit
from targets.sync_routes import bank_router
from targets.timing import ServerTimingMiddleware

TARGET = PLANTED["one-statement-more"]
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
gauges = instrument(engine, SETTINGS.slow_query_ms)
new_session = sessionmaker(engine, class_=RequestSession, expire_on_commit=False)


def get_session() -> Iterator[Session]:
    """A session for one request, which has asked a statement before the request does."""
    with new_session() as session:
        session.execute(text("SELECT current_user"))
        yield session


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Size the thread pool; close the connections at the end."""
    set_threadpool_tokens(SETTINGS.threadpool_tokens)
    yield
    engine.dispose()


app = FastAPI(title=TARGET.title, lifespan=lifespan)
app.add_middleware(ServerTimingMiddleware)
install_problem_handlers(app)
app.include_router(bank_router(get_session))
app.include_router(operations_router(TARGET, SETTINGS, gauges))
