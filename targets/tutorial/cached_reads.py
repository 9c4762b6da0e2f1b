"""The same pool of 10+20, and single users from a cache in front of it: `lru_cache`, as the tutorial has it.

What is in the cache needs no connection. Nothing takes it out when the user changes, so that reads are stale.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import lru_cache
from typing import Annotated

from fastapi import FastAPI, Path
from sqlalchemy import create_engine
from sqlalchemy.orm import Session, sessionmaker

from targets import queries
from targets.contract import UserId, UserOut
from targets.instrument import instrument
from targets.operations import operations_router, set_threadpool_tokens
from targets.problems import install_problem_handlers
from targets.schema import User
from targets.sessions import RequestSession
from targets.settings import load_or_exit
from targets.sync_routes import bank_router
from targets.timing import ServerTimingMiddleware
from targets.tutorial.registry import TUTORIAL
from targets.tutorial.reports import reports_router

TARGET = TUTORIAL["cached-reads"]
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
    """A session for one request. It takes a connection at its first statement, and gives it back at its end."""
    with new_session() as session:
        yield session


@lru_cache(maxsize=1000)
def cached_user(user_id: int) -> UserOut:
    """A user, from the database the first time only."""
    with new_session() as session:
        user = session.get(User, user_id)
        if user is None:
            raise queries.user_not_found(user_id)
        return UserOut.model_validate(user)


def read_user(user_id: Annotated[UserId, Path()]) -> UserOut:
    """The user as it was when it was first asked for."""
    return cached_user(user_id)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Size the thread pool; close the connections at the end."""
    set_threadpool_tokens(SETTINGS.threadpool_tokens)
    yield
    engine.dispose()


app = FastAPI(title=TARGET.title, lifespan=lifespan)
app.add_middleware(ServerTimingMiddleware)
install_problem_handlers(app)
app.get("/users/{user_id}", response_model=UserOut)(read_user)  # before the bank's
app.include_router(bank_router(get_session))
app.include_router(reports_router(get_session))
app.include_router(operations_router(TARGET, SETTINGS, gauges))
