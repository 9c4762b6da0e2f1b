"""What is listened to, by the module whose import it waits for."""

from __future__ import annotations

from poolstorm_probe.hooks import (
    asyncio_loops,
    asyncpg_pool,
    asyncpg_statements,
    psycopg_pools,
    psycopg_statements,
    requests,
    sqlalchemy_pools,
    threads,
)

HOOKS = {
    "sqlalchemy": sqlalchemy_pools.listen,
    "asyncpg.pool": asyncpg_pool.listen,
    "asyncpg.exceptions._base": asyncpg_statements.listen_to_errors,
    "asyncpg.connection": asyncpg_statements.listen,
    "asyncpg.cursor": asyncpg_statements.listen_to_cursors,
    "asyncpg.prepared_stmt": asyncpg_statements.listen_to_prepared,
    "psycopg_pool.pool": psycopg_pools.listen,
    "psycopg_pool.pool_async": psycopg_pools.listen_async,
    "psycopg.cursor": psycopg_statements.listen_to_cursors,
    "psycopg.cursor_async": psycopg_statements.listen_to_async_cursors,
    "psycopg.server_cursor": psycopg_statements.listen_to_server_cursors,  # before psycopg 3.3
    "psycopg._server_cursor": psycopg_statements.listen_to_server_cursors,
    "psycopg._server_cursor_async": psycopg_statements.listen_to_server_cursors,
    "psycopg._connection_base": psycopg_statements.listen_to_connections,
    "psycopg.transaction": psycopg_statements.listen_to_transactions,
    "anyio._backends._asyncio": threads.listen,
    "starlette.applications": requests.listen,
    "uvicorn.protocols.http.h11_impl": requests.listen_to_h11,
    "uvicorn.protocols.http.httptools_impl": requests.listen_to_httptools,
    "uvicorn.server": asyncio_loops.listen_to_uvicorn,
}
