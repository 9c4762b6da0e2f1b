"""What a customer has bought."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, HTTPException, Path, Request
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from shop.database import SessionDep
from shop.models import Order
from shop.ordering import EmptyCartError, OutOfStockError, confirm, place_order
from shop.schemas import OrderOut, OrderWithLines
from shop.security import CustomerDep

router = APIRouter(tags=["orders"])


@router.post("/orders", status_code=201, response_model=OrderWithLines)
async def place(
    request: Request, session: SessionDep, customer: CustomerDep, afterwards: BackgroundTasks
) -> Order:
    """Order what is in the cart. 409 where that is nothing, or more than there is; the cart stays as it was."""
    try:
        order = await place_order(session, customer.id)
    except (EmptyCartError, OutOfStockError) as error:
        raise HTTPException(409, str(error)) from error
    await session.commit()  # before the answer: who reads 201 has an order
    afterwards.add_task(confirm, request.app.state.sessions, order.id)
    return order


@router.get("/orders", response_model=list[OrderOut])
async def orders(session: SessionDep, customer: CustomerDep) -> Sequence[Order]:
    """The last twenty, newest first."""
    query = select(Order).where(Order.customer_id == customer.id).order_by(Order.id.desc()).limit(20)
    return (await session.scalars(query)).all()


@router.get("/orders/{number}", response_model=OrderWithLines)
async def order(
    session: SessionDep, customer: CustomerDep, number: Annotated[int, Path(ge=1, le=2**63 - 1)]
) -> Order:
    """One of the customer's own, with its lines."""
    query = select(Order).where(Order.customer_id == customer.id, Order.id == number)
    found = await session.scalar(query.options(selectinload(Order.lines)))
    if found is None:
        raise HTTPException(404, f"there is no order {number} of yours")
    return found
