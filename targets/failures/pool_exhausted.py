"""A pool of four under requests that hold a connection for 200 ms, and the same with the size that they need."""

import os
from collections.abc import Iterator
from typing import Annotated

from fastapi import Depends, FastAPI
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session


def app_with(pool_size: int) -> FastAPI:
    """The app; only its pool's size differs."""
    engine = create_engine(
        os.environ["DATABASE_URL"], pool_size=pool_size, max_overflow=0, pool_timeout=1.0, pool_pre_ping=True
    )
    app = FastAPI()

    def get_db() -> Iterator[Session]:
        with Session(engine) as session:
            yield session

    @app.get("/slow")
    def slow(db: Annotated[Session, Depends(get_db)]) -> dict[str, int]:
        db.execute(text("SELECT pg_sleep(0.2)"))
        return {"items": db.execute(text("SELECT count(*) FROM items")).scalar_one()}

    return app


def broken() -> FastAPI:
    """Forty requests a second for 0.2 s each keep eight connections out, and there are four."""
    return app_with(pool_size=4)


def cured() -> FastAPI:
    """Eight, and room for a burst."""
    return app_with(pool_size=20)
