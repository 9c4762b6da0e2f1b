"""The one schema of all targets: users with a balance, and the transfers between them."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, DateTime, Engine, ForeignKey, Identity, Text, func, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

SEED_USERS = 1000
SEED_BALANCE_CENTS = 100_000
BIO_CHARS = 1919
"""About 2 kB, and short enough that PostgreSQL keeps a row in one place instead of compressing the text away."""


class Base(DeclarativeBase):
    """Base of the models."""


class User(Base):
    """An account holder. The database itself refuses a negative balance."""

    __tablename__ = "users"
    __table_args__ = (CheckConstraint("balance_cents >= 0", name="users_balance_not_negative"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    email: Mapped[str] = mapped_column(Text, unique=True)
    balance_cents: Mapped[int] = mapped_column(BigInteger)
    bio: Mapped[str] = mapped_column(Text, default="", server_default="")


class Transfer(Base):
    """Money moved. The client chooses the token, so that sending a transfer twice moves the money once."""

    __tablename__ = "transfers"
    __table_args__ = (
        CheckConstraint("amount_cents > 0", name="transfers_amount_positive"),
        CheckConstraint("from_user_id <> to_user_id", name="transfers_between_two"),
    )

    token: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    from_user_id: Mapped[int] = mapped_column(ForeignKey(User.id))
    to_user_id: Mapped[int] = mapped_column(ForeignKey(User.id))
    amount_cents: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


# md5 makes a text that is the same in every run and does not compress: 58 pieces of 32 and a blank between.
_SEED = text(
    """
    INSERT INTO users (id, name, email, balance_cents, bio)
    SELECT n, 'User ' || n, 'user' || n || '@example.org', :balance_cents, left(
        (SELECT string_agg(md5(n || '/' || piece), ' ' ORDER BY piece) FROM generate_series(1, 60) AS piece),
        :bio_chars)
    FROM generate_series(1, :users) AS n
    """
)
_CONTINUE_IDS = text("SELECT setval(pg_get_serial_sequence('users', 'id'), :users)")


def create_schema(engine: Engine) -> None:
    """Create the tables in an empty database. Raises sqlalchemy.exc.DBAPIError."""
    Base.metadata.create_all(engine)


def seed(engine: Engine, users: int = SEED_USERS, balance_cents: int = SEED_BALANCE_CENTS) -> None:
    """Fill the empty `users` with ids 1 to `users`, the same content every time, `balance_cents` each.

    Raises sqlalchemy.exc.DBAPIError.
    """
    with engine.begin() as connection:
        connection.execute(_SEED, {"users": users, "balance_cents": balance_cents, "bio_chars": BIO_CHARS})
        connection.execute(_CONTINUE_IDS, {"users": users})
        # Plans must not change in the middle of a trial because autovacuum comes by.
        connection.execute(text("ANALYZE users"))
