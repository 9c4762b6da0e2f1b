"""A liveness check that needs a connection from the pool, and one that needs none."""

import os
from collections.abc import Callable, Iterator
from typing import Annotated

from fastapi import Depends, FastAPI
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.orm import Session


def app_with(is_alive: Callable[[Engine], None]) -> FastAPI:
    """The app; only what its liveness check does differs."""
    engine = create_engine(os.environ["DATABASE_URL"], pool_size=4, max_overflow=0, pool_timeout=1.0)
    app = FastAPI()

    def get_db() -> Iterator[Session]:
        with Session(engine) as session:
            yield session

    @app.get("/slow")
    def slow(db: Annotated[Session, Depends(get_db)]) -> dict[str, int]:
        db.execute(text("SELECT pg_sleep(0.25)"))
        return {"items": db.execute(text("SELECT count(*) FROM items")).scalar_one()}

    @app.get("/healthz")
    def healthz() -> dict[str, str]:
        is_alive(engine)
        return {"status": "alive"}

    return app


def broken() -> FastAPI:
    """When the pool is exhausted the check fails too, and whoever asks restarts a service that was only busy."""

    def is_alive(engine: Engine) -> None:
        with engine.connect() as connection:
            connection.execute(text("SELECT 1"))

    return app_with(is_alive)


def cured() -> FastAPI:
    """Being alive is to answer."""
    return app_with(lambda _: None)
