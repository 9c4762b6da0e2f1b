"""The routes for a synchronous session: `def` endpoints, which FastAPI runs in worker threads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Response
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from targets import queries
from targets.contract import (
    MAX_HOLD_MS,
    MAX_PAGE,
    MAX_PAGE_SIZE,
    USER_COLUMNS,
    Columns,
    Held,
    TransferIn,
    TransferOut,
    UserId,
    UserIn,
    UserOut,
    UserPage,
    UserPart,
)
from targets.problems import commit_outcome, is_unique_violation
from targets.schema import User

SessionDependency = Callable[[], Iterator[Session]] | Callable[[], Session]
"""Yields a session for a request, or returns one."""
Move = Callable[[Session, TransferIn], tuple[TransferOut, bool]]
"""Carries a transfer out: what is stored, and whether this call made it."""


def move(session: Session, wanted: TransferIn) -> tuple[TransferOut, bool]:
    """Move money once, however often it is asked for: the stored transfer, and whether this call made it.

    Commits before it returns, so that no answer promises what the database has not kept. Raises ProblemError.
    """
    balances = {row.id: row.balance_cents for row in session.execute(queries.lock_accounts(wanted))}
    queries.require_accounts(wanted, balances)
    row = session.execute(queries.record_transfer(wanted)).one_or_none()
    if row is None:
        kept = session.execute(queries.stored_transfer(wanted.token))
        stored = TransferOut.model_validate(kept.one())
        session.rollback()
        queries.require_repetition(stored, wanted)
        return stored, False
    queries.require_funds(wanted, balances)
    session.execute(queries.move_money(wanted))
    with commit_outcome():
        session.commit()
    return TransferOut.model_validate(row), True


def bank_router(
    get_session: SessionDependency,
    transact: Move = move,
    get_reading_session: SessionDependency | None = None,
) -> APIRouter:
    """Users, transfers and the hold, on sessions from `get_session`; `transact` moves the money.

    Routes that only read get theirs from `get_reading_session` where there is one, such as a replica's.
    """
    router = APIRouter()
    get_reader = get_reading_session or get_session
    _add_user_routes(router, get_session, get_reader)
    _add_transfer_routes(router, get_session, get_reader, transact)

    @router.get("/hold", response_model=Held)
    def hold(ms: Annotated[int, Query(ge=0, le=MAX_HOLD_MS)], session: Session = Depends(get_reader)) -> Held:
        session.execute(queries.hold_connection(ms))
        return Held(held_ms=ms)

    return router


def _add_user_routes(router: APIRouter, get_session: SessionDependency, get_reader: SessionDependency) -> None:
    @router.get("/users/{user_id}", response_model=UserOut)
    def read_user(user_id: Annotated[UserId, Path()], session: Session = Depends(get_reader)) -> User:
        user = session.get(User, user_id)
        if user is None:
            raise queries.user_not_found(user_id)
        return user

    @router.get("/users", response_model=UserPage, response_model_exclude_unset=True)
    def list_users(
        page: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 1,
        page_size: Annotated[int, Query(ge=1, le=MAX_PAGE_SIZE)] = 20,
        columns: Annotated[Columns, Query()] = list(USER_COLUMNS),  # noqa: B006 -- FastAPI copies it
        session: Session = Depends(get_reader),
    ) -> UserPage:
        rows = session.execute(queries.page_of_users(columns, page, page_size))
        return UserPage(items=[UserPart(**row) for row in rows.mappings()], page=page, page_size=page_size)

    @router.post("/users", response_model=UserOut, status_code=201)
    def create_user(wanted: UserIn, session: Session = Depends(get_session)) -> User:
        user = User(**wanted.model_dump())
        session.add(user)
        try:
            session.flush()
        except IntegrityError as error:
            if is_unique_violation(error):
                raise queries.email_taken() from error
            raise
        with commit_outcome():
            session.commit()
        return user


def _add_transfer_routes(
    router: APIRouter, get_session: SessionDependency, get_reader: SessionDependency, transact: Move
) -> None:
    @router.post("/transfers", response_model=TransferOut, status_code=201)
    def transfer(wanted: TransferIn, response: Response, session: Session = Depends(get_session)) -> TransferOut:
        done, is_new = transact(session, wanted)
        if not is_new:
            response.status_code = 200
        return done

    @router.get("/transfers/{token}", response_model=TransferOut)
    def read_transfer(token: UUID, session: Session = Depends(get_reader)) -> TransferOut:
        row = session.execute(queries.stored_transfer(token)).one_or_none()
        if row is None:
            raise queries.transfer_not_found(token)
        return TransferOut.model_validate(row)
