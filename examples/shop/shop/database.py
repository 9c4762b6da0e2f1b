"""The engine, its pool, and a session for each request."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

from shop.settings import Settings

Sessions = async_sessionmaker[AsyncSession]


def make_engine(settings: Settings) -> AsyncEngine:
    """The engine with its pool; connects when it is first needed."""
    return create_async_engine(
        settings.database_url,
        pool_size=settings.db_pool_size,
        max_overflow=settings.db_max_overflow,
        pool_timeout=settings.db_pool_timeout,
        pool_pre_ping=True,
        connect_args={"timeout": settings.db_pool_timeout, "command_timeout": settings.db_command_timeout},
    )


def make_sessions(engine: AsyncEngine) -> Sessions:
    """Sessions whose objects can still be read once they are committed and the connection has gone back."""
    return async_sessionmaker(engine, expire_on_commit=False)


async def get_session(request: Request) -> AsyncIterator[AsyncSession]:
    """A session that is closed when the route is through, and commits nothing by itself."""
    sessions: Sessions = request.app.state.sessions
    async with sessions() as session:
        yield session


# "function": the connection goes back before the answer is sent, not after a slow reader has taken it.
SessionDep = Annotated[AsyncSession, Depends(get_session, scope="function")]
