"""A health route that asks the database first: it needs a connection of the pool that it is to tell of."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

from fastapi import Depends, FastAPI
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session, sessionmaker

from targets.contract import PoolHealth
from targets.instrument import instrument
from targets.operations import operations_router, set_threadpool_tokens
from targets.problems import install_problem_handlers
from targets.sessions import RequestSession
from targets.settings import load_or_exit
from targets.sync_routes import bank_router
from targets.timing import ServerTimingMiddleware
from targets.tutorial.registry import TUTORIAL

TARGET = TUTORIAL["health-with-session"]
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
app.include_router(operations_router(TARGET, SETTINGS, gauges, with_health=False))


@app.get("/health/db", response_model=PoolHealth)
def pool_health(session: Session = Depends(get_session)) -> PoolHealth:
    """The gauges, once the database has answered."""
    session.execute(text("SELECT 1"))
    return PoolHealth.model_validate(gauges.read())
