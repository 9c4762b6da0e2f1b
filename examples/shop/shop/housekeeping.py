"""What is done every few seconds beside the requests. It takes a connection of the same pool."""

from __future__ import annotations

import asyncio
import logging

from sqlalchemy import delete, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError

from shop.database import Sessions
from shop.models import Bestseller, OrderLine, Token

log = logging.getLogger(__name__)
_ONE_AT_A_TIME = 7301
"""Key of an advisory lock: of many processes of the service one at a time keeps house."""


async def keep_house(sessions: Sessions, every_s: float) -> None:
    """Until it is cancelled. What fails is told and tried again the next time."""
    while True:
        await asyncio.sleep(every_s)
        try:
            await tidy(sessions)
        except (SQLAlchemyError, OSError) as error:
            log.warning("no housekeeping: %s", error)


async def tidy(sessions: Sessions) -> None:
    """Forget logins that are over and count anew what sells."""
    async with sessions.begin() as session:
        if not await session.scalar(text("select pg_try_advisory_xact_lock(:key)"), {"key": _ONE_AT_A_TIME}):
            return
        await session.execute(delete(Token).where(Token.expires_at < func.now()))
        sold = select(OrderLine.product_id, func.sum(OrderLine.quantity)).group_by(OrderLine.product_id)
        counted = insert(Bestseller).from_select(["product_id", "sold"], sold.order_by(OrderLine.product_id))
        await session.execute(
            counted.on_conflict_do_update(index_elements=["product_id"], set_={"sold": counted.excluded.sold})
        )
