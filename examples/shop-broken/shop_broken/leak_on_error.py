"""Fault 3: a session that is not closed where there is an error.

Its connection is out of the pool for as long as something keeps the exception, and its transaction keeps the
locks that it has on the products. The shop's session is a dependency with `async with`, which closes however the
route ends.
"""

from __future__ import annotations

from collections import deque

from fastapi import APIRouter, BackgroundTasks, HTTPException, Request
from sqlalchemy.ext.asyncio import AsyncSession

from shop.models import Order
from shop.ordering import EmptyCartError, OutOfStockError, confirm, place_order
from shop.schemas import OrderWithLines
from shop.security import CustomerDep

router = APIRouter(tags=["orders"])
LAST_ERRORS: deque[Exception] = deque(maxlen=100)
"""For a page that shows what went wrong lately. With an exception it keeps the frames that it came through, and
with them what these held: error trackers, debuggers and buffers of log records do the same."""


@router.post("/orders", status_code=201, response_model=OrderWithLines)
async def place(request: Request, customer: CustomerDep, afterwards: BackgroundTasks) -> Order:
    session: AsyncSession = request.app.state.sessions()
    try:
        order = await place_order(session, customer.id)
    except (EmptyCartError, OutOfStockError) as error:
        LAST_ERRORS.append(error)
        raise HTTPException(409, str(error)) from error  # here: away without close()
    await session.commit()
    await session.close()
    afterwards.add_task(confirm, request.app.state.sessions, order.id)
    return order
