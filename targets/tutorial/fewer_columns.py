"""The same pool of 10+20, and a page of users that fetches no more than it shows: three columns, no biography.

Fewer bytes hold the connection for less time where the bytes are what takes it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import Depends, FastAPI, Query
from sqlalchemy import create_engine
from sqlalchemy.orm import Session, sessionmaker

from targets import queries
from targets.contract import MAX_PAGE, MAX_PAGE_SIZE, UserColumn, UserPage, UserPart
from targets.instrument import instrument
from targets.operations import operations_router, set_threadpool_tokens
from targets.problems import install_problem_handlers
from targets.sessions import RequestSession
from targets.settings import load_or_exit
from targets.sync_routes import bank_router
from targets.timing import ServerTimingMiddleware
from targets.tutorial.registry import TUTORIAL
from targets.tutorial.reports import reports_router

SHOWN: tuple[UserColumn, ...] = ("id", "name", "balance_cents")

TARGET = TUTORIAL["fewer-columns"]
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


def list_users(
    page: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 1,
    page_size: Annotated[int, Query(ge=1, le=MAX_PAGE_SIZE)] = 20,
    session: Session = Depends(get_session),
) -> UserPage:
    """A page of users, with what is shown of them."""
    rows = session.execute(queries.page_of_users(SHOWN, page, page_size))
    return UserPage(items=[UserPart(**row) for row in rows.mappings()], page=page, page_size=page_size)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Size the thread pool; close the connections at the end."""
    set_threadpool_tokens(SETTINGS.threadpool_tokens)
    yield
    engine.dispose()


app = FastAPI(title=TARGET.title, lifespan=lifespan)
app.add_middleware(ServerTimingMiddleware)
install_problem_handlers(app)
app.get("/users", response_model=UserPage, response_model_exclude_unset=True)(list_users)  # before the bank's
app.include_router(bank_router(get_session))
app.include_router(reports_router(get_session))
app.include_router(operations_router(TARGET, SETTINGS, gauges))
