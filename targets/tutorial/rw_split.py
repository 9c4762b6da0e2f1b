"""Reads on a replica, writes on the primary: psycopg2 in worker threads, 20+30 connections to the one and 10+20 to
the other.

A replica is behind, by as much as the network and its own work take. What was just written may not be there yet:
`targets.tutorial.rw_split_sticky` finds it all the same.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from sqlalchemy import create_engine
from sqlalchemy.orm import Session, sessionmaker

from targets.gauges import JointGauges
from targets.instrument import instrument
from targets.operations import operations_router, set_threadpool_tokens
from targets.problems import install_problem_handlers
from targets.sessions import RequestSession
from targets.settings import load_or_exit, load_replica_or_exit
from targets.sync_routes import bank_router
from targets.timing import ServerTimingMiddleware
from targets.tutorial.registry import TUTORIAL

TARGET = TUTORIAL["rw-split"]
DATABASE, SETTINGS = load_or_exit(TARGET.defaults)
REPLICA = load_replica_or_exit()

primary = create_engine(
    DATABASE.psycopg2(),
    pool_size=SETTINGS.pool_size,
    max_overflow=SETTINGS.max_overflow,
    pool_timeout=SETTINGS.pool_timeout_s,
    pool_recycle=SETTINGS.pool_recycle_s,
    pool_pre_ping=SETTINGS.pre_ping,
    pool_use_lifo=SETTINGS.use_lifo,
    connect_args=SETTINGS.psycopg2_connect_args(),
)
replica = create_engine(
    REPLICA.psycopg2(),
    pool_size=20,
    max_overflow=30,
    pool_timeout=SETTINGS.pool_timeout_s,
    pool_recycle=SETTINGS.pool_recycle_s,
    pool_pre_ping=SETTINGS.pre_ping,
    pool_use_lifo=SETTINGS.use_lifo,
    connect_args=SETTINGS.psycopg2_connect_args(),
)
gauges = JointGauges(instrument(primary, SETTINGS.slow_query_ms), instrument(replica, SETTINGS.slow_query_ms))
new_session = sessionmaker(primary, class_=RequestSession, expire_on_commit=False)
new_reading_session = sessionmaker(replica, class_=RequestSession, expire_on_commit=False)


def get_session() -> Iterator[Session]:
    """A session on the primary, for a request that writes."""
    with new_session() as session:
        yield session


def get_reading_session() -> Iterator[Session]:
    """A session on the replica, for a request that only reads; the replica refuses to write."""
    with new_reading_session() as session:
        yield session


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Size the thread pool; close the connections at the end."""
    set_threadpool_tokens(SETTINGS.threadpool_tokens)
    yield
    replica.dispose()
    primary.dispose()


app = FastAPI(title=TARGET.title, lifespan=lifespan)
app.add_middleware(ServerTimingMiddleware)
install_problem_handlers(app)
app.include_router(bank_router(get_session, get_reading_session=get_reading_session))
app.include_router(operations_router(TARGET, SETTINGS, gauges))
