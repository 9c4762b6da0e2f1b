"""A COMMIT after the response, and one before it."""

import os
from collections.abc import Iterator
from typing import Annotated, Literal

from fastapi import Depends, FastAPI, HTTPException
from pydantic import BaseModel
from sqlalchemy import create_engine, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session


class Order(BaseModel):
    """What is ordered; whether there is such an item the database sees at the COMMIT."""

    token: str
    item_id: int


ORDER = text("INSERT INTO orders (token, item_id) VALUES (:token, :item_id)")
FIND = text("SELECT item_id FROM orders WHERE token = :token")


def app_with(*, commits: Literal["before", "after"]) -> FastAPI:
    """The app; only when it commits differs."""
    engine = create_engine(os.environ["DATABASE_URL"], pool_size=10, max_overflow=0)
    app = FastAPI()

    def get_db() -> Iterator[Session]:
        with Session(engine) as session:
            yield session
            if commits == "after":
                session.commit()

    @app.post("/orders")
    def order(asked: Order, db: Annotated[Session, Depends(get_db)]) -> dict[str, str]:
        db.execute(ORDER, asked.model_dump())
        if commits == "before":
            try:
                db.commit()
            except IntegrityError:
                raise HTTPException(409, "no such item") from None
        return {"ordered": asked.token}

    @app.get("/orders/{token}")
    def find(token: str, db: Annotated[Session, Depends(get_db)]) -> dict[str, int]:
        found = db.execute(FIND, {"token": token}).scalar_one_or_none()
        if found is None:
            raise HTTPException(404, "no such order")
        return {"item_id": found}

    return app


def broken() -> FastAPI:
    """The dependency commits when the client has its answer already."""
    return app_with(commits="after")


def cured() -> FastAPI:
    """The endpoint commits, and says what came of it."""
    return app_with(commits="before")
