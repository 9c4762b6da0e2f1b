"""Fault 4: a commit after the answer was sent.

What stands behind the `yield` of a dependency is run after the answer (FastAPI from 0.118 on, unless it is used
with `scope="function"`). Who reads 204 and orders at once may find an empty cart; and where the commit fails,
nobody hears of it. The shop commits in the route.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from shop.models import CartLine, Product
from shop.routes.cart import Number
from shop.schemas import Quantity
from shop.security import CustomerDep

router = APIRouter(tags=["cart"])


async def commit_afterwards(request: Request) -> AsyncIterator[AsyncSession]:
    async with request.app.state.sessions() as session:
        yield session
        await session.commit()  # here: the customer has the answer already


@router.put("/cart/{number}", status_code=204)
async def put(
    session: Annotated[AsyncSession, Depends(commit_afterwards)],
    customer: CustomerDep,
    number: Number,
    wanted: Quantity,
) -> None:
    if await session.get(Product, number) is None:
        raise HTTPException(404, f"there is no product {number}")
    line = insert(CartLine).values(customer_id=customer.id, product_id=number, quantity=wanted.quantity)
    await session.execute(
        line.on_conflict_do_update(
            index_elements=["customer_id", "product_id"], set_={"quantity": line.excluded.quantity}
        )
    )
