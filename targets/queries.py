"""The statements behind the routes, the same for synchronous and asynchronous sessions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Select, Update, case, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.dialects.postgresql.dml import Insert

from targets.contract import ProblemKind, TransferIn, TransferOut, UserColumn
from targets.problems import ProblemError
from targets.schema import Transfer, User


def page_of_users(columns: Sequence[UserColumn], page: int, page_size: int) -> Select[*tuple[Any, ...]]:
    """Just these columns of one page of users; pages count from 1."""
    chosen = [getattr(User, column) for column in columns]
    return select(*chosen).order_by(User.id).limit(page_size).offset((page - 1) * page_size)


def lock_accounts(wanted: TransferIn) -> Select[int, int]:
    """Id and balance of both users, locked until the transaction ends.

    The rows are sorted before they are locked, so that two opposite transfers cannot wait for each other.
    The key is left alone, so that a check of the foreign key need not wait.
    """
    ids = (wanted.from_user_id, wanted.to_user_id)
    locked = select(User.id, User.balance_cents).where(User.id.in_(ids)).order_by(User.id)
    return locked.with_for_update(key_share=True)


def record_transfer(wanted: TransferIn) -> Insert:
    """Store the transfer and return it; returns no row where its token is stored already."""
    insertion = (
        insert(Transfer).values(wanted.model_dump()).on_conflict_do_nothing(index_elements=[Transfer.token])
    )
    return insertion.returning(*_TRANSFER_COLUMNS)  # type: ignore[return-value]


def stored_transfer(token: UUID) -> Select[*tuple[Any, ...]]:
    """The transfer with this token."""
    return select(*_TRANSFER_COLUMNS).where(Transfer.token == token)


def move_money(wanted: TransferIn) -> Update:
    """Both balances in one statement, relative to what they are when it runs."""
    # A bare number would be sent as a 32-bit integer, which ends at 21 million.
    amount = literal(wanted.amount_cents, BigInteger)
    change = case((User.id == wanted.from_user_id, -amount), else_=amount)
    ids = (wanted.from_user_id, wanted.to_user_id)
    return (
        update(User)
        .where(User.id.in_(ids))
        .values(balance_cents=User.balance_cents + change)
        .execution_options(synchronize_session=False)
    )


def hold_connection(ms: int) -> Select[*tuple[Any, ...]]:
    """Has the database sleep that long."""
    return select(func.pg_sleep(ms / 1000))


_TRANSFER_COLUMNS = (
    Transfer.token,
    Transfer.from_user_id,
    Transfer.to_user_id,
    Transfer.amount_cents,
    Transfer.created_at,
)


# --- what the rows mean ----------------------------------------------------------------------------------


def require_accounts(wanted: TransferIn, balances: Mapping[int, int]) -> None:
    """Raises ProblemError not-found where one of the users does not exist."""
    for user_id in (wanted.from_user_id, wanted.to_user_id):
        if user_id not in balances:
            raise user_not_found(user_id)


def require_funds(wanted: TransferIn, balances: Mapping[int, int]) -> None:
    """Raises ProblemError insufficient-funds where the sender has less than the amount."""
    balance_cents = balances[wanted.from_user_id]
    if balance_cents < wanted.amount_cents:
        detail = (
            f"User {wanted.from_user_id} has {balance_cents} cents, and {wanted.amount_cents} were to be moved."
        )
        raise ProblemError(ProblemKind.INSUFFICIENT_FUNDS, detail)


def require_repetition(stored: TransferOut, wanted: TransferIn) -> None:
    """Raises ProblemError conflict where the token belongs to a transfer of other content."""
    if not stored.repeats(wanted):
        detail = f"Token {wanted.token} was used for another transfer; take a new token."
        raise ProblemError(ProblemKind.CONFLICT, detail)


def user_not_found(user_id: int) -> ProblemError:
    """The problem to raise for an id that no user has."""
    return ProblemError(ProblemKind.NOT_FOUND, f"There is no user {user_id}.")


def transfer_not_found(token: UUID) -> ProblemError:
    """The problem to raise for a token that no transfer has."""
    return ProblemError(ProblemKind.NOT_FOUND, f"There is no transfer with the token {token}.")


def email_taken() -> ProblemError:
    """The problem to raise for an address that another user has."""
    return ProblemError(ProblemKind.CONFLICT, "Another user has this email address.")
