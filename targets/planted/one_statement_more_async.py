"""async-pool whose session asks who is logged in before each request, as dependencies come to do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from targets.async_routes import bank_router
from targets.instrument import instrument
from targets.operations import operations_router, set_threadpool_tokens
from targets.planted.registry import PLANTED
from targets.problems import install_problem_handlers
from targets.sessions import RequestSession
from targets.settings import load_or_exit
from targets.timing import ServerTimingMiddleware

TARGET = PLANTED["one-statement-more-async"]
DATABASE, SETTINGS = load_or_exit(TARGET.defaults)

engine = create_async_engine(
    DATABASE.asyncpg(),
    pool_size=SETTINGS.pool_size,
    max_overflow=SETTINGS.max_overflow,
    pool_timeout=SETTINGS.pool_timeout_s,
    pool_recycle=SETTINGS.pool_recycle_s,
    pool_pre_ping=SETTINGS.pre_ping,
    pool_use_lifo=SETTINGS.use_lifo,
    connect_args=SETTINGS.asyncpg_connect_args(),
)
gauges = instrument(engine, SETTINGS.slow_query_ms)
new_session = async_sessionmaker(engine, sync_session_class=RequestSession, expire_on_commit=False)


async def get_session() -> AsyncIterator[AsyncSession]:
    """A session for one request, which has asked a statement before the request does."""
    async with new_session() as session:
        await session.execute(text("SELECT current_user"))
        yield session


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Size the thread pool; close the connections at the end."""
    set_threadpool_tokens(SETTINGS.threadpool_tokens)
    yield
    await engine.dispose()


app = FastAPI(title=TARGET.title, lifespan=lifespan)
app.add_middleware(ServerTimingMiddleware)
install_problem_handlers(app, asyncpg.PostgresError, asyncpg.InterfaceError)
app.include_router(bank_router(get_session))
app.include_router(operations_router(TARGET, SETTINGS, gauges))
