"""The engine and a request's session, as FastAPI's full-stack template hands them to its routes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from fastapi import Depends
from sqlmodel import Session, create_engine

from targets.drivers.registry import DRIVERS
from targets.instrument import instrument
from targets.settings import load_or_exit

TARGET = DRIVERS["sqlmodel"]
DATABASE, SETTINGS = load_or_exit(TARGET.defaults)

engine = create_engine(
    DATABASE.psycopg(),
    pool_size=SETTINGS.pool_size,
    max_overflow=SETTINGS.max_overflow,
    pool_timeout=SETTINGS.pool_timeout_s,
    pool_recycle=SETTINGS.pool_recycle_s,
    pool_pre_ping=SETTINGS.pre_ping,
    pool_use_lifo=SETTINGS.use_lifo,
    connect_args=SETTINGS.psycopg_connect_args(),
)
gauges = instrument(engine, SETTINGS.slow_query_ms)


def get_db() -> Iterator[Session]:
    """A session for one request. It takes a connection at its first statement, and gives it back at its end."""
    with Session(engine) as session:
        yield session


SessionDep = Annotated[Session, Depends(get_db)]
