"""Requests that hold a connection while they wait for a thread, behind requests that hold a thread while they
wait for a connection; and requests that hold one only while they have a thread.
"""

import os
from collections.abc import Iterator
from typing import Annotated

from fastapi import Depends, FastAPI
from pydantic import BaseModel
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.orm import Session


class Items(BaseModel):
    """How many there are."""

    items: int


def _count(db: Session) -> Items:
    db.execute(text("SELECT pg_sleep(0.05)"))
    return Items(items=db.execute(text("SELECT count(*) FROM items")).scalar_one())


def _engine() -> Engine:
    return create_engine(os.environ["DATABASE_URL"], pool_size=5, max_overflow=0, pool_timeout=3.0)


def broken() -> FastAPI:
    """The response is made, and the session closed, in another thread than the endpoint ran in: both are waited
    for with the connection out.
    """
    app, engine = FastAPI(), _engine()

    def get_db() -> Iterator[Session]:
        with Session(engine) as session:
            yield session

    @app.get("/items", response_model=Items)
    def items(db: Annotated[Session, Depends(get_db)]) -> Items:
        return _count(db)

    return app


def cured() -> FastAPI:
    """The session is closed in the thread that opened it."""
    app, engine = FastAPI(), _engine()

    @app.get("/items", response_model=Items)
    def items() -> Items:
        with Session(engine) as db:
            return _count(db)

    return app
