"""A burst that opens a connection for each of its requests, and one that shares those that are open."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import Depends, FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine


def app_with(*, pool_size: int, max_overflow: int) -> FastAPI:
    """The app; only how its pool may grow differs."""
    url = os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+asyncpg://", 1)
    engine = create_async_engine(url, pool_size=pool_size, max_overflow=max_overflow)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        warm = [await engine.connect() for _ in range(5)]
        for connection in warm:
            await connection.close()
        yield
        await engine.dispose()

    app = FastAPI(lifespan=lifespan)

    async def get_db() -> AsyncIterator[AsyncSession]:
        async with AsyncSession(engine) as session:
            yield session

    @app.get("/items")
    async def items(db: Annotated[AsyncSession, Depends(get_db)]) -> dict[str, int]:
        return {"items": (await db.execute(text("SELECT count(*) FROM items"))).scalar_one()}

    return app


def broken() -> FastAPI:
    """Five are kept, and forty-five more may be opened while the burst waits."""
    return app_with(pool_size=5, max_overflow=45)


def cured() -> FastAPI:
    """Five, and the burst takes turns: a statement is over before another connection would be open."""
    return app_with(pool_size=5, max_overflow=0)
