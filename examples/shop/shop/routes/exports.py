"""All orders of a customer as CSV, row by row: however many they are, few are in memory."""

from __future__ import annotations

import csv
import io
from asyncio import Semaphore
from collections.abc import AsyncIterator

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse
from sqlalchemy import select

from shop.database import Sessions
from shop.models import Order, OrderLine, Product
from shop.security import CustomerDep

router = APIRouter(tags=["exports"])
ROWS_AT_ONCE = 200
HEADINGS = ("order", "placed_at", "product", "quantity", "price_cents")


@router.get("/exports/orders.csv", response_class=StreamingResponse)
async def export(request: Request, customer: CustomerDep) -> StreamingResponse:
    """A line for each line of each order, oldest first."""
    state = request.app.state
    rows = _rows(state.sessions, state.exports, customer.id)
    return StreamingResponse(rows, media_type="text/csv; charset=utf-8")


async def _rows(sessions: Sessions, exports: Semaphore, customer_id: int) -> AsyncIterator[str]:
    """The session is its own: the request's has gone by the time that this is read."""
    query = (
        select(Order.id, Order.placed_at, Product.name, OrderLine.quantity, OrderLine.price_cents)
        .join(OrderLine, OrderLine.order_id == Order.id)
        .join(Product, Product.id == OrderLine.product_id)
        .where(Order.customer_id == customer_id)
        .order_by(Order.id, OrderLine.product_id)
    )
    yield _csv([HEADINGS])
    async with exports, sessions() as session:
        result = await session.stream(query.execution_options(yield_per=ROWS_AT_ONCE))
        async for rows in result.partitions():
            yield _csv([(row[0], row[1].isoformat(), *row[2:]) for row in rows])


def _csv(rows: list[tuple[object, ...]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()
