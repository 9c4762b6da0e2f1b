"""A look at a connection that never ends, on a silent link, and the same with a limit in the client."""

import os
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine


def app_with(connect_args: dict[str, Any]) -> FastAPI:
    """The app; only how long the driver waits for the server differs."""
    url = os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+asyncpg://", 1)
    engine = create_async_engine(
        url,
        pool_size=5,
        max_overflow=0,
        pool_timeout=1.0,
        pool_pre_ping=True,
        connect_args=connect_args,
    )
    app = FastAPI()

    async def get_db() -> AsyncIterator[AsyncSession]:
        async with AsyncSession(engine) as session:
            yield session

    @app.get("/items/{item_id}")
    async def item(item_id: int, db: Annotated[AsyncSession, Depends(get_db)]) -> dict[str, str]:
        try:
            found = await db.execute(text("SELECT name FROM items WHERE id = :id"), {"id": item_id})
        except (SQLAlchemyError, TimeoutError) as error:
            raise HTTPException(503, "the database does not answer") from error
        return {"name": found.scalar_one()}

    return app


def broken() -> FastAPI:
    """The ping is bounded neither by pool_timeout nor by anything else."""
    return app_with({"timeout": 1.0})


def cured() -> FastAPI:
    """Half a second, then an answer and a new connection."""
    return app_with({"timeout": 1.0, "command_timeout": 0.5})
