"""What is listened to, by the module whose import it waits for."""

from __future__ import annotations

from poolstorm_probe.hooks import asyncio_loops, asyncpg_pool, psycopg_pools, sqlalchemy_pools, threads

HOOKS = {
    "sqlalchemy": sqlalchemy_pools.listen,
    "asyncpg.pool": asyncpg_pool.listen,
    "psycopg_pool.pool": psycopg_pools.listen,
    "psycopg_pool.pool_async": psycopg_pools.listen_async,
    "psycopg.cursor": psycopg_pools.listen_to_cursors,
    "psycopg.cursor_async": psycopg_pools.listen_to_async_cursors,
    "anyio._backends._asyncio": threads.listen,
    "starlette.applications": asyncio_loops.listen_to_requests,
    "uvicorn.server": asyncio_loops.listen_to_uvicorn,
}
