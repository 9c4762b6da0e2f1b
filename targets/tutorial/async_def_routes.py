"""Routes that are coroutines and execute their statements synchronously."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from sqlalchemy.orm import Session

from targets import queries
from targets.contract import MAX_HOLD_MS, Held, UserId, UserOut
from targets.schema import User
from targets.sync_routes import SessionDependency


def async_def_router(get_session: SessionDependency) -> APIRouter:
    """A single user, and the hold."""
    router = APIRouter()

    @router.get("/users/{user_id}", response_model=UserOut)
    async def read_user(user_id: Annotated[UserId, Path()], session: Session = Depends(get_session)) -> User:
        user = session.get(User, user_id)
        if user is None:
            raise queries.user_not_found(user_id)
        return user

    @router.get("/hold", response_model=Held)
    async def hold(
        ms: Annotated[int, Query(ge=0, le=MAX_HOLD_MS)], session: Session = Depends(get_session)
    ) -> Held:
        session.execute(queries.hold_connection(ms))
        return Held(held_ms=ms)

    return router
