"""What goes over the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Number = Annotated[int, Field(ge=1, le=2**63 - 1)]
"""A key, as the tables can hold one."""


class _FromRow(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class Credentials(BaseModel):
    email: Annotated[str, Field(max_length=200, pattern=r"^[^\x00]+$")]
    password: Annotated[str, Field(max_length=200)]


class Bearer(BaseModel):
    token: str
    token_type: str = "bearer"
    expires_at: datetime


class ProductOut(_FromRow):
    id: int
    name: str
    price_cents: int
    stock: int


class BestsellerOut(_FromRow):
    id: int
    name: str
    sold: int


class Quantity(BaseModel):
    quantity: Annotated[int, Field(ge=1, le=1_000_000)]


class CartLineOut(_FromRow):
    product_id: int
    name: str
    quantity: int
    price_cents: int


class OrderOut(_FromRow):
    id: int
    placed_at: datetime
    total_cents: int
    confirmed_at: datetime | None


class OrderLineOut(_FromRow):
    product_id: int
    quantity: int
    price_cents: int


class OrderWithLines(OrderOut):
    lines: list[OrderLineOut]
