"""Everyone changes one row first and works afterwards, or works first and changes it last."""

import os
from collections.abc import Iterator
from typing import Annotated

from fastapi import Depends, FastAPI
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

COUNT = text("UPDATE accounts SET balance_cents = balance_cents + 1 WHERE id = 1")
WORK = text("SELECT pg_sleep(0.12)")


def app_with(*, lock_first: bool) -> FastAPI:
    """The app; only the order of two statements differs."""
    engine = create_engine(os.environ["DATABASE_URL"], pool_size=8, max_overflow=0, pool_timeout=2.0)
    app = FastAPI()

    def get_db() -> Iterator[Session]:
        with Session(engine) as session:
            yield session

    @app.get("/sell")
    def sell(db: Annotated[Session, Depends(get_db)]) -> dict[str, str]:
        for statement in (COUNT, WORK) if lock_first else (WORK, COUNT):
            db.execute(statement)
        db.commit()
        return {"status": "sold"}

    return app


def broken() -> FastAPI:
    """The row stays locked while its transaction works, and all others stand behind it."""
    return app_with(lock_first=True)


def cured() -> FastAPI:
    """The row is locked for the COMMIT alone."""
    return app_with(lock_first=False)
