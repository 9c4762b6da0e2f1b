"""A request that takes a second connection while it holds its first, and one that makes do with one."""

import os
from collections.abc import Callable, Iterator
from typing import Annotated

from fastapi import Depends, FastAPI
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.orm import Session

AUDIT = text("INSERT INTO entries (amount_cents) VALUES (1)")
Audit = Callable[[Engine, Session], None]


def app_with(audit: Audit) -> FastAPI:
    """The app; only through which session is audited differs."""
    engine = create_engine(os.environ["DATABASE_URL"], pool_size=5, max_overflow=0, pool_timeout=1.5)
    app = FastAPI()

    def get_db() -> Iterator[Session]:
        with Session(engine) as session:
            yield session

    @app.get("/order")
    def order(db: Annotated[Session, Depends(get_db)]) -> dict[str, int]:
        db.execute(text("SELECT pg_sleep(0.15)"))
        items = db.execute(text("SELECT count(*) FROM items")).scalar_one()
        audit(engine, db)
        return {"items": items}

    return app


def broken() -> FastAPI:
    """The audit has a session of its own: when five requests hold one each, none gets its second."""

    def audit(engine: Engine, _: Session) -> None:
        with Session(engine) as own:
            own.execute(AUDIT)
            own.commit()

    return app_with(audit)


def cured() -> FastAPI:
    """The audit is part of the request's transaction."""

    def audit(_: Engine, db: Session) -> None:
        db.execute(AUDIT)
        db.commit()

    return app_with(audit)
