"""A transaction that stays open while somebody else is asked, and one that ends before."""

import asyncio
import os
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine


async def ask_provider(amount_cents: int) -> str:
    """A payment provider, far away."""
    await asyncio.sleep(0.4)
    return f"paid {amount_cents}"


def app_with(*, ends_before: bool) -> FastAPI:
    """The app; only whether the transaction ends before the call differs."""
    url = os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+psycopg://", 1)
    engine = create_async_engine(url, pool_size=4, max_overflow=0, pool_timeout=1.0)
    app = FastAPI()

    async def get_db() -> AsyncIterator[AsyncSession]:
        async with AsyncSession(engine, expire_on_commit=False) as session:
            yield session

    @app.get("/pay")
    async def pay(db: Annotated[AsyncSession, Depends(get_db)]) -> dict[str, str]:
        price = (await db.execute(text("SELECT price_cents FROM items WHERE id = 7"))).scalar_one()
        if ends_before:
            await db.commit()
        said = await ask_provider(price)
        await db.execute(text("INSERT INTO entries (amount_cents) VALUES (:price)"), {"price": price})
        await db.commit()
        return {"status": said}

    return app


def broken() -> FastAPI:
    """Sixteen a second that keep a connection for the 0.4 s of the call: more than six, and there are four."""
    return app_with(ends_before=False)


def cured() -> FastAPI:
    """The connection is back in the pool while the provider is asked."""
    return app_with(ends_before=True)
