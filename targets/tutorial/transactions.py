"""The tutorial's transaction, a context manager that commits or rolls back, and its transfer through the ORM."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.orm import Session

from targets import queries
from targets.contract import TransferIn, TransferOut
from targets.problems import commit_outcome
from targets.schema import Transfer, User


@contextmanager
def transaction(db: Session) -> Iterator[None]:
    """Commit at the end of the block; roll back where it raises."""
    try:
        yield
        db.flush()
        with commit_outcome():
            db.commit()
    except Exception:
        db.rollback()
        raise


def transfer_money(db: Session, wanted: TransferIn) -> tuple[TransferOut, bool]:
    """Move money from one account to the other: what is stored, and whether this call made it."""
    with transaction(db):
        stored = db.get(Transfer, wanted.token)
        if stored is not None:
            kept = TransferOut.model_validate(stored)
            queries.require_repetition(kept, wanted)
            return kept, False
        sender = db.get(User, wanted.from_user_id)
        recipient = db.get(User, wanted.to_user_id)
        accounts = {user.id: user.balance_cents for user in (sender, recipient) if user is not None}
        queries.require_accounts(wanted, accounts)
        queries.require_funds(wanted, accounts)
        assert sender is not None
        assert recipient is not None
        sender.balance_cents -= wanted.amount_cents
        recipient.balance_cents += wanted.amount_cents
        made = Transfer(**wanted.model_dump())
        db.add(made)
    return TransferOut.model_validate(made), True
