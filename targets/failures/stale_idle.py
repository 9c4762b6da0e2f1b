"""Connections that the server ended while they were idle, used unseen, and the same with a look before use."""

import os
from collections.abc import Iterator
from typing import Annotated

from fastapi import Depends, FastAPI
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session


def app_with(*, pool_pre_ping: bool) -> FastAPI:
    """The app; only whether a connection is tried before it is used differs."""
    engine = create_engine(
        os.environ["DATABASE_URL"], pool_size=5, max_overflow=0, pool_timeout=2.0, pool_pre_ping=pool_pre_ping
    )
    app = FastAPI()

    def get_db() -> Iterator[Session]:
        with Session(engine) as session:
            yield session

    @app.get("/items/{item_id}")
    def item(item_id: int, db: Annotated[Session, Depends(get_db)]) -> dict[str, str]:
        name = db.execute(text("SELECT name FROM items WHERE id = :id"), {"id": item_id}).scalar_one()
        return {"name": name}

    return app


def broken() -> FastAPI:
    """What the pool hands out may have been dead for hours."""
    return app_with(pool_pre_ping=False)


def cured() -> FastAPI:
    """One round trip more, and a dead connection is replaced before the request sees it."""
    return app_with(pool_pre_ping=True)
