"""A synchronous session in `async def` endpoints, and the same endpoints as `def`."""

import os
from collections.abc import Iterator
from typing import Annotated

from fastapi import Depends, FastAPI
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session


def _app() -> FastAPI:
    app = FastAPI()
    engine = create_engine(os.environ["DATABASE_URL"], pool_size=10, max_overflow=0)

    def get_db() -> Iterator[Session]:
        with Session(engine) as session:
            yield session

    app.state.get_db = get_db
    return app


def _report(db: Session) -> dict[str, int]:
    db.execute(text("SELECT pg_sleep(0.15)"))
    return {"items": db.execute(text("SELECT count(*) FROM items")).scalar_one()}


def broken() -> FastAPI:
    """The event loop waits for each query, and with it every other request."""
    app = _app()

    @app.get("/report")
    async def report(db: Annotated[Session, Depends(app.state.get_db)]) -> dict[str, int]:
        return _report(db)

    @app.get("/hello")
    async def hello() -> dict[str, str]:
        return {"hello": "world"}

    return app


def cured() -> FastAPI:
    """A thread waits for each query."""
    app = _app()

    @app.get("/report")
    def report(db: Annotated[Session, Depends(app.state.get_db)]) -> dict[str, int]:
        return _report(db)

    @app.get("/hello")
    async def hello() -> dict[str, str]:
        return {"hello": "world"}

    return app
