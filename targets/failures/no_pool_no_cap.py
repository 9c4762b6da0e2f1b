"""A connection for every request, however many there are, and a pool."""

import os
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import Depends, FastAPI
from sqlalchemy import NullPool, text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine


def app_with(**pool: Any) -> FastAPI:
    """The app; only what keeps its connections differs."""
    url = os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+asyncpg://", 1)
    engine = create_async_engine(url, **pool)
    app = FastAPI()

    async def get_db() -> AsyncIterator[AsyncSession]:
        async with AsyncSession(engine) as session:
            yield session

    @app.get("/items")
    async def items(db: Annotated[AsyncSession, Depends(get_db)]) -> dict[str, int]:
        await db.execute(text("SELECT pg_sleep(0.1)"))
        return {"items": (await db.execute(text("SELECT count(*) FROM items"))).scalar_one()}

    return app


def broken() -> FastAPI:
    """As many backends as requests under way, until PostgreSQL has no more."""
    return app_with(poolclass=NullPool)


def cured() -> FastAPI:
    """The rest waits in the app, where waiting is cheap."""
    return app_with(pool_size=8, max_overflow=0)
