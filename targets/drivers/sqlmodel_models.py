"""The bank's two tables as SQLModel has them. `targets.schema` creates them, constraints and all."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, Text
from sqlmodel import Field, SQLModel


class User(SQLModel, table=True):
    """An account holder."""

    __tablename__ = "users"

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger)
    name: str = Field(sa_type=Text)
    email: str = Field(sa_type=Text, unique=True)
    balance_cents: int = Field(sa_type=BigInteger)
    bio: str = Field(default="", sa_type=Text)


class Transfer(SQLModel, table=True):
    """Money moved. The client chooses the token, so that sending a transfer twice moves the money once."""

    __tablename__ = "transfers"

    token: UUID = Field(primary_key=True)
    from_user_id: int = Field(foreign_key="users.id", sa_type=BigInteger)
    to_user_id: int = Field(foreign_key="users.id", sa_type=BigInteger)
    amount_cents: int = Field(sa_type=BigInteger)
    created_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
