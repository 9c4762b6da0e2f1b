"""The routes on SQLModel's sessions: `def` endpoints, which FastAPI runs in worker threads."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response
from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

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
from targets.drivers.sqlmodel_deps import SessionDep
from targets.drivers.sqlmodel_models import Transfer, User
from targets.problems import commit_outcome, is_unique_violation

router = APIRouter()


@router.get("/users/{user_id}", response_model=UserOut)
def read_user(user_id: Annotated[UserId, Path()], session: SessionDep) -> User:
    """One user."""
    user = session.get(User, user_id)
    if user is None:
        raise queries.user_not_found(user_id)
    return user


@router.get("/users", response_model=UserPage, response_model_exclude_unset=True)
def list_users(
    session: SessionDep,
    page: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 1,
    page_size: Annotated[int, Query(ge=1, le=MAX_PAGE_SIZE)] = 20,
    columns: Annotated[Columns, Query()] = list(USER_COLUMNS),  # noqa: B006 -- FastAPI copies it
) -> UserPage:
    """A page of users, with just the chosen columns."""
    chosen = select(*(getattr(User, column) for column in columns))
    rows = session.exec(chosen.order_by(User.id).limit(page_size).offset((page - 1) * page_size))
    values = rows.all() if len(columns) > 1 else [(value,) for value in rows]  # one column comes without its row
    items = [UserPart(**dict(zip(columns, row, strict=True))) for row in values]
    return UserPage(items=items, page=page, page_size=page_size)


@router.post("/users", response_model=UserOut, status_code=201)
def create_user(wanted: UserIn, session: SessionDep) -> User:
    """A new user, read again once it is committed."""
    user = User.model_validate(wanted.model_dump())
    session.add(user)
    try:
        session.flush()
    except IntegrityError as error:
        if is_unique_violation(error):
            raise queries.email_taken() from error
        raise
    with commit_outcome():
        session.commit()
    session.refresh(user)
    return user


@router.post("/transfers", response_model=TransferOut, status_code=201)
def transfer(wanted: TransferIn, response: Response, session: SessionDep) -> TransferOut:
    """Money from one user to another, once for each token."""
    done, is_new = move(session, wanted)
    if not is_new:
        response.status_code = 200
    return done


@router.get("/transfers/{token}", response_model=TransferOut)
def read_transfer(token: UUID, session: SessionDep) -> Transfer:
    """One transfer."""
    stored = session.get(Transfer, token)
    if stored is None:
        raise queries.transfer_not_found(token)
    return stored


@router.get("/hold", response_model=Held)
def hold(ms: Annotated[int, Query(ge=0, le=MAX_HOLD_MS)], session: SessionDep) -> Held:
    """A connection for so long."""
    session.exec(select(func.pg_sleep(ms / 1000)))
    return Held(held_ms=ms)


def move(session: Session, wanted: TransferIn) -> tuple[TransferOut, bool]:
    """Move money once, however often it is asked for: the stored transfer, and whether this call made it.

    The rows are sorted before they are locked, so that two opposite transfers cannot wait for each other, and
    locked before they are read, so that what is written back is no balance of a moment ago. Raises ProblemError.
    """
    ids = (wanted.from_user_id, wanted.to_user_id)
    locked = select(User).where(col(User.id).in_(ids)).order_by(col(User.id)).with_for_update(key_share=True)
    users = {user.id: user for user in session.exec(locked) if user.id is not None}
    queries.require_accounts(wanted, {user_id: user.balance_cents for user_id, user in users.items()})
    insertion = insert(Transfer).values(wanted.model_dump()).on_conflict_do_nothing(index_elements=["token"])
    row = session.exec(insertion.returning(col(Transfer.created_at))).one_or_none()
    if row is None:
        stored = TransferOut.model_validate(session.get_one(Transfer, wanted.token))
        session.rollback()
        queries.require_repetition(stored, wanted)
        return stored, False
    sender, receiver = users[wanted.from_user_id], users[wanted.to_user_id]
    queries.require_funds(wanted, {wanted.from_user_id: sender.balance_cents})
    sender.balance_cents -= wanted.amount_cents
    receiver.balance_cents += wanted.amount_cents
    session.flush()
    with commit_outcome():
        session.commit()
    return TransferOut(**wanted.model_dump(), created_at=row.created_at), True
