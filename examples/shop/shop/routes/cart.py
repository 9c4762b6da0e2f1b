"""What a customer is about to buy."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, HTTPException, Path
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from shop.database import SessionDep
from shop.models import CartLine, Product
from shop.schemas import CartLineOut, Quantity
from shop.security import CustomerDep

router = APIRouter(tags=["cart"])
Number = Annotated[int, Path(ge=1, le=2**63 - 1)]


@router.get("/cart")
async def cart(session: SessionDep, customer: CustomerDep) -> list[CartLineOut]:
    """Everything in it."""
    query = (
        select(CartLine.product_id, Product.name, CartLine.quantity, Product.price_cents)
        .join(Product, Product.id == CartLine.product_id)
        .where(CartLine.customer_id == customer.id)
        .order_by(CartLine.product_id)
    )
    return [CartLineOut.model_validate(row) for row in await session.execute(query)]


@router.put("/cart/{number}", status_code=204)
async def put(session: SessionDep, customer: CustomerDep, number: Number, wanted: Quantity) -> None:
    """So many of this product, in place of what was there."""
    if await session.get(Product, number) is None:
        raise HTTPException(404, f"there is no product {number}")
    line = insert(CartLine).values(customer_id=customer.id, product_id=number, quantity=wanted.quantity)
    await session.execute(
        line.on_conflict_do_update(
            index_elements=["customer_id", "product_id"], set_={"quantity": line.excluded.quantity}
        )
    )
    await session.commit()


@router.delete("/cart/{number}", status_code=204)
async def take_out(session: SessionDep, customer: CustomerDep, number: Number) -> None:
    """None of this product any more."""
    await session.execute(
        delete(CartLine).where(CartLine.customer_id == customer.id, CartLine.product_id == number)
    )
    await session.commit()
