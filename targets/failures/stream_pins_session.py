"""A streamed response whose session lives as long as the client listens, and one whose session ends before."""

import asyncio
import os
from collections.abc import AsyncIterator
from typing import Any, Literal

from fastapi import Depends, FastAPI
from fastapi.responses import StreamingResponse
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine


def app_with(scope: Literal["function", "request"]) -> FastAPI:
    """The app; only the scope of the export's session differs."""
    url = os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+asyncpg://", 1)
    engine = create_async_engine(url, pool_size=5, max_overflow=0, pool_timeout=1.0)
    app = FastAPI()

    async def get_db() -> AsyncIterator[AsyncSession]:
        async with AsyncSession(engine) as session:
            yield session

    async def lines(names: list[str]) -> AsyncIterator[str]:
        for name in names:
            yield f"{name}\n"
            await asyncio.sleep(0.25)

    @app.get("/export")
    async def export(db: AsyncSession = Depends(get_db, scope=scope)) -> Any:
        found = await db.execute(text("SELECT name FROM items ORDER BY id LIMIT 8"))
        return StreamingResponse(lines(list(found.scalars())), media_type="text/plain")

    @app.get("/items")
    async def items(db: AsyncSession = Depends(get_db)) -> dict[str, int]:
        return {"items": (await db.execute(text("SELECT count(*) FROM items"))).scalar_one()}

    return app


def broken() -> FastAPI:
    """A dependency ends after the response was sent: an export's connection is out for as long as it takes."""
    return app_with("request")


def cured() -> FastAPI:
    """It ends when the endpoint returns, before the first line is sent."""
    return app_with("function")
