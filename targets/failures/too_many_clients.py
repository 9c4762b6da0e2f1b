"""A pool that may open more connections than PostgreSQL has left, and one within its budget."""

import os
from collections.abc import Iterator
from typing import Annotated

from fastapi import Depends, FastAPI
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session


def app_with(*, pool_size: int, max_overflow: int) -> FastAPI:
    """The app; only its pool's size differs."""
    engine = create_engine(os.environ["DATABASE_URL"], pool_size=pool_size, max_overflow=max_overflow)
    app = FastAPI()

    def get_db() -> Iterator[Session]:
        with Session(engine) as session:
            yield session

    @app.get("/items")
    def items(db: Annotated[Session, Depends(get_db)]) -> dict[str, int]:
        db.execute(text("SELECT pg_sleep(0.1)"))
        return {"items": db.execute(text("SELECT count(*) FROM items")).scalar_one()}

    return app


def broken() -> FastAPI:
    """Forty, where ten are left for this service."""
    return app_with(pool_size=8, max_overflow=32)


def cured() -> FastAPI:
    """Eight: max_connections, less what is reserved, over all processes of all services."""
    return app_with(pool_size=8, max_overflow=0)
