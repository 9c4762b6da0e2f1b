"""Reads on a replica, writes on the primary, and a transfer that the replica does not have is looked up once more.

The cure of `targets.tutorial.rw_split` for a client that does not find its own write. A replica that is behind
lacks what is new, so "not found" is the one answer that cannot be trusted, and only that is asked again of the
primary. It needs nothing of the client: neither a cookie nor a session, which clients of an API seldom keep, and
which send all reads of a busy client to the primary. It cures missing rows, not old ones: a balance may still be
that of a moment ago.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from uuid import UUID

from fastapi import APIRouter, Depends, FastAPI
from sqlalchemy import create_engine
from sqlalchemy.orm import Session, sessionmaker

from targets import queries
from targets.contract import TransferOut
from targets.gauges import JointGauges
from targets.instrument import instrument
from targets.operations import operations_router, set_threadpool_tokens
from targets.problems import install_problem_handlers
from targets.sessions import RequestSession
from targets.settings import load_or_exit, load_replica_or_exit
from targets.sync_routes import bank_router
from targets.timing import ServerTimingMiddleware
from targets.tutorial.registry import TUTORIAL

TARGET = TUTORIAL["rw-split-sticky"]
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


own_writes = APIRouter()


@own_writes.get("/transfers/{token}", response_model=TransferOut)
def read_own_transfer(
    token: UUID, session: Session = Depends(get_session), reader: Session = Depends(get_reading_session)
) -> TransferOut:
    """A transfer from the replica, or from the primary where the replica does not have it (yet)."""
    statement = queries.stored_transfer(token)
    row = reader.execute(statement).one_or_none()
    if row is None:
        reader.close()  # one connection at a time: whoever holds one and waits for another may wait for ever
        row = session.execute(statement).one_or_none()
    if row is None:
        raise queries.transfer_not_found(token)
    return TransferOut.model_validate(row)


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
app.include_router(own_writes)  # before the bank's own look-up, which asks the replica alone
app.include_router(bank_router(get_session, get_reading_session=get_reading_session))
app.include_router(operations_router(TARGET, SETTINGS, gauges))
