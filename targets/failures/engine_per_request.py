"""An engine built in every request, and one for the process."""

import os
from collections.abc import Callable, Iterator
from typing import Annotated

from fastapi import Depends, FastAPI
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.orm import Session


def make_engine() -> Engine:
    """An engine, with a pool of its own."""
    url = os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+psycopg://", 1)
    return create_engine(url, pool_size=5)


def app_with(get_engine: Callable[[], Engine]) -> FastAPI:
    """The app; only how often an engine is made differs."""
    app = FastAPI()

    def get_db(engine: Annotated[Engine, Depends(get_engine)]) -> Iterator[Session]:
        with Session(engine) as session:
            yield session

    @app.get("/items")
    def items(db: Annotated[Session, Depends(get_db)]) -> dict[str, int]:
        return {"items": db.execute(text("SELECT count(*) FROM items")).scalar_one()}

    return app


def broken() -> FastAPI:
    """Each request has a pool to itself, and opens a connection that no other will use."""
    return app_with(make_engine)


def cured() -> FastAPI:
    """The pool outlives the request."""
    engine = make_engine()
    return app_with(lambda: engine)
