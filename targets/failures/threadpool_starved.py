"""Slow `def` background tasks in the threads that serve requests, and the same in threads of their own."""

import os
import time
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Annotated

from anyio import CapacityLimiter, to_thread
from fastapi import BackgroundTasks, Depends, FastAPI
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session


def send_mail() -> None:
    """A mail server that takes its time."""
    time.sleep(3.5)


def app_with(mail: Callable[[], None] | Callable[[], Awaitable[None]]) -> FastAPI:
    """The app; only where mails are sent from differs."""
    engine = create_engine(os.environ["DATABASE_URL"], pool_size=10, max_overflow=0, pool_timeout=2.0)
    app = FastAPI()

    def get_db() -> Iterator[Session]:
        with Session(engine) as session:
            yield session

    @app.get("/notify")
    def notify(tasks: BackgroundTasks) -> dict[str, str]:
        tasks.add_task(mail)
        return {"status": "accepted"}

    @app.get("/items")
    def items(db: Annotated[Session, Depends(get_db)]) -> dict[str, int]:
        return {"items": db.execute(text("SELECT count(*) FROM items")).scalar_one()}

    return app


def broken() -> FastAPI:
    """A `def` task takes one of the 40 threads that serve `def` endpoints too."""
    return app_with(send_mail)


def cured() -> FastAPI:
    """Mails have a limiter of their own."""
    senders = CapacityLimiter(100)
    return app_with(partial(to_thread.run_sync, send_mail, limiter=senders))
