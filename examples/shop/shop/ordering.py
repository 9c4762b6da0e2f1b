"""Placing an order: what is in the cart becomes an order and leaves the stock, all of it or nothing."""

from __future__ import annotations

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from shop.database import Sessions
from shop.models import CartLine, Order, OrderLine, Product


class EmptyCartError(Exception):
    """There is nothing to order."""


class OutOfStockError(Exception):
    """There is less of a product than was ordered."""


async def place_order(session: AsyncSession, customer_id: int) -> Order:
    """Place it within the session's transaction; who calls commits.

    Raises EmptyCartError or OutOfStockError, after which the transaction is to be rolled back.
    """
    wanted = await _take_cart(session, customer_id)
    # In the order of their keys: two orders of the same goods wait for one another and cannot deadlock. No key is
    # changed, so that a product can be put into carts meanwhile.
    locked = select(Product).where(Product.id.in_(wanted)).order_by(Product.id)
    products = (await session.scalars(locked.with_for_update(key_share=True))).all()
    for product in products:
        if product.stock < wanted[product.id]:
            raise OutOfStockError(f"there are only {product.stock} of {product.name} left")
        product.stock -= wanted[product.id]
    lines = [
        OrderLine(product_id=product.id, quantity=wanted[product.id], price_cents=product.price_cents)
        for product in products
    ]
    total_cents = sum(line.quantity * line.price_cents for line in lines)
    order = Order(customer_id=customer_id, total_cents=total_cents, lines=lines)
    session.add(order)
    await session.flush()
    return order


async def _take_cart(session: AsyncSession, customer_id: int) -> dict[int, int]:
    """Empty the cart; quantity by product. Who orders twice at once finds it empty the second time."""
    own = select(CartLine).where(CartLine.customer_id == customer_id).order_by(CartLine.product_id)
    lines = (await session.scalars(own.with_for_update())).all()
    if not lines:
        raise EmptyCartError("the cart is empty")
    await session.execute(delete(CartLine).where(CartLine.customer_id == customer_id))
    return {line.product_id: line.quantity for line in lines}


async def confirm(sessions: Sessions, order_id: int) -> None:
    """Run after the answer: where a real shop sends mail, this one writes down when."""
    async with sessions.begin() as session:
        await session.execute(update(Order).where(Order.id == order_id).values(confirmed_at=func.now()))
