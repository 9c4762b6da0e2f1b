"""Fault 1: a pool that is too small, with a timeout that is too long.

Each process gets two connections "to spare the database", and whoever finds them taken waits for half a minute: by
then a client has gone, and its request still takes its turn. The shop has 10 + 5, and waits for 3 s.
"""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from shop.settings import Settings

POOL_SIZE = 2
MAX_OVERFLOW = 0
POOL_TIMEOUT_S = 30.0


def make_engine(settings: Settings) -> AsyncEngine:
    """As `shop.database.make_engine`, and deaf to DB_POOL_SIZE, DB_MAX_OVERFLOW and DB_POOL_TIMEOUT."""
    return create_async_engine(
        settings.database_url,
        pool_size=POOL_SIZE,
        max_overflow=MAX_OVERFLOW,
        pool_timeout=POOL_TIMEOUT_S,
        pool_pre_ping=True,
        connect_args={"timeout": settings.db_pool_timeout, "command_timeout": settings.db_command_timeout},
    )
