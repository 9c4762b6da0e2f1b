"""A transaction to see whether a connection lives, on a distant database, and connections that age out instead."""

import os
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine


def app_with(*, pool_pre_ping: bool) -> FastAPI:
    """The app; only whether each checkout begins with a ping differs."""
    url = os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+asyncpg://", 1)
    engine = create_async_engine(
        url, pool_size=20, max_overflow=0, pool_timeout=5.0, pool_recycle=300, pool_pre_ping=pool_pre_ping
    )
    app = FastAPI()

    async def get_db() -> AsyncIterator[AsyncSession]:
        async with AsyncSession(engine) as session:
            yield session

    @app.get("/items/{item_id}")
    async def item(item_id: int, db: Annotated[AsyncSession, Depends(get_db)]) -> dict[str, str]:
        found = await db.execute(text("SELECT name FROM items WHERE id = :id"), {"id": item_id})
        return {"name": found.scalar_one()}

    return app


def broken() -> FastAPI:
    """SQLAlchemy pings asyncpg with BEGIN, a statement and ROLLBACK: three round trips for each request."""
    return app_with(pool_pre_ping=True)


def cured() -> FastAPI:
    """None; connections are replaced before the network would end them."""
    return app_with(pool_pre_ping=False)
