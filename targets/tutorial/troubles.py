"""What goes wrong in requests that have a session, and requests that have one and do nothing with it.

Beside the bank's routes, which know of absent users, missing money and taken addresses, these raise where a
connection is out: in the endpoint, in a statement, in the validation of what came after a dependency's read.
"""

from __future__ import annotations

import time
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from sqlalchemy import literal, select
from sqlalchemy.orm import Session

from targets import queries
from targets.contract import MAX_HOLD_MS, Held, UserId, UserOut
from targets.schema import User
from targets.sync_routes import SessionDependency


class TroubleError(Exception):
    """Raised by an endpoint, as a fault in its code would be."""


def troubles_router(get_db: SessionDependency) -> APIRouter:
    """Requests that end in errors, and idle sessions, on sessions from `get_db`."""
    router = APIRouter()

    def caller(caller_id: UserId, db: Session = Depends(get_db)) -> User:
        """Who asks: read from the database before the rest of the request is looked at."""
        user = db.get(User, caller_id)
        if user is None:
            raise queries.user_not_found(caller_id)
        return user

    @router.get("/trouble/raised/{user_id}", response_model=UserOut)
    def raised(user_id: UserId, db: Session = Depends(get_db)) -> User:
        user = db.get(User, user_id)
        raise TroubleError(f"{user!r} was read, and then this was raised")

    @router.get("/trouble/statement", response_model=Held)
    def bad_statement(db: Session = Depends(get_db)) -> Held:
        db.execute(select(literal(1) / literal(0)))
        return Held(held_ms=0)

    @router.get("/trouble/input/{caller_id}", response_model=UserOut)
    def input_after_read(amount: Annotated[int, Query()], asking: User = Depends(caller)) -> User:  # noqa: ARG001
        return asking

    @router.get("/idle", response_model=Held)
    def idle(
        ms: Annotated[int, Query(ge=0, le=MAX_HOLD_MS)], statement: bool = False, db: Session = Depends(get_db)
    ) -> Held:
        """Has a session for so long, and does nothing; with `statement`, nothing but that one, first."""
        if statement:
            db.execute(select(literal(1)))
        time.sleep(ms / 1000)
        return Held(held_ms=ms)

    return router
