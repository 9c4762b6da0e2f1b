"""What is listened to, by the module whose import it waits for."""

from __future__ import annotations

from poolstorm_probe.hooks import asyncio_loops, asyncpg_pool, psycopg_pools, sqlalchemy_pools, threads

HOOKS = {
    "sqlalchemy": sqlalchemy_pools.listen,
    "asyncpg.pool": asyncpg_pool.listen,
    "asyncpg.connection": asyncpg_pool.listen_to_copies,
    "asyncpg.cursor": asyncpg_pool.listen_to_cursors,
    "asyncpg.prepared_stmt": asyncpg_pool.listen_to_prepared,
    "psycopg_pool.pool": psycopg_pools.listen,
    "psycopg_pool.pool_async": psycopg_pools.listen_async,
    "psycopg.cursor": psycopg_pools.listen_to_cursors,
    "psycopg.cursor_async": psycopg_pools.listen_to_async_cursors,
    "psycopg.server_cursor": psycopg_pools.listen_to_server_cursors,  # before psycopg 3.3
    "psycopg._server_cursor": psycopg_pools.listen_to_server_cursors,
    "psycopg._server_cursor_async": psycopg_pools.listen_to_server_cursors,
    "anyio._backends._asyncio": threads.listen,
    "starlette.applications": asyncio_loops.listen_to_requests,
    "uvicorn.server": asyncio_loops.listen_to_uvicorn,
}
