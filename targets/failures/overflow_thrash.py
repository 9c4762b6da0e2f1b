"""A pool smaller than what is always out, so that overflow comes and goes, and one that keeps what is in use."""

import os
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine


def app_with(*, pool_size: int, max_overflow: int) -> FastAPI:
    """The app; only which of its 20 connections are kept differs."""
    url = os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+asyncpg://", 1)
    engine = create_async_engine(url, pool_size=pool_size, max_overflow=max_overflow)
    app = FastAPI()

    async def get_db() -> AsyncIterator[AsyncSession]:
        async with AsyncSession(engine) as session:
            yield session

    @app.get("/items")
    async def items(db: Annotated[AsyncSession, Depends(get_db)]) -> dict[str, int]:
        await db.execute(text("SELECT pg_sleep(0.15)"))
        return {"items": (await db.execute(text("SELECT count(*) FROM items"))).scalar_one()}

    return app


def broken() -> FastAPI:
    """Whatever comes back while another lies idle is closed, and opened again by the next request."""
    return app_with(pool_size=1, max_overflow=19)


def cured() -> FastAPI:
    """All are kept."""
    return app_with(pool_size=20, max_overflow=0)
