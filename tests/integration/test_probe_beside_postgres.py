"""What the probe counts is what PostgreSQL says that it was asked; and a pool that was closed keeps nothing."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from harness.environment.database import TrialDatabase
from harness.environment.postgres import DatabaseServer
from harness.inside.channel import Channel
from harness.inside.launch import with_probe
from tests.contract.contract_support import wait_until

pytestmark = pytest.mark.integration

# Each works on a pool in all ways that its library has for a statement, with an error among them; connections are
# replaced in the middle.
SQLALCHEMY = """
import sys
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError
engine = create_engine(sys.argv[1], pool_size=2, max_overflow=1, pool_pre_ping=True)
for number in range(10):
    with engine.begin() as connection:
        connection.execute(text("select :n /* app */"), {"n": number})
        connection.exec_driver_sql("select 2 /* app */")
kept = [engine.connect() for _ in range(3)]
for connection in kept:
    connection.execution_options(stream_results=True).execute(text("select 3 /* app */")).all()
    connection.close()
try:
    with engine.begin() as connection:
        connection.execute(text("select 1 / 0 /* app */"))
except DBAPIError:
    pass
with engine.connect() as connection:
    connection.invalidate()
with engine.connect() as connection:
    connection.execute(text("select 4 /* app */"))
engine.dispose()
"""
ASYNCPG = """
import asyncio, io, sys, asyncpg
async def main():
    async with asyncpg.create_pool(sys.argv[1], min_size=2, max_size=3, max_queries=15) as pool:
        for number in range(10):
            async with pool.acquire() as connection, connection.transaction():
                await connection.fetchval("select $1::int /* app */", number)
                await connection.execute("select 2 /* app */")
        await asyncio.gather(*(pool.fetchval("select 3 /* app */") for _ in range(10)))
        try:
            await pool.execute("select 1 / 0 /* app */")
        except asyncpg.PostgresError:
            pass
        async with pool.acquire() as connection:
            connection.terminate()
        async with pool.acquire() as connection, connection.transaction():
            prepared = await connection.prepare("select $1::int /* app */")
            await prepared.fetchval(4)
            await prepared.fetch(5)
            assert [row[0] async for row in prepared.cursor(6)] == [6]
            assert len([row async for row in connection.cursor("select generate_series(1, 99) /* app */")]) == 99
            cursor = await connection.cursor("select 7 /* app */")
            await cursor.fetchrow()
            await connection.copy_from_query("select 8 /* app */", output=io.BytesIO())
            await connection.execute("create temporary table mine (n int) /* app */")
            await connection.copy_records_to_table("mine", records=[(9,)])  # its COPY bears no mark: see below
            await pool.fetch("select 10 /* app */")
asyncio.run(main())
"""
PSYCOPG = """
import sys, psycopg, psycopg_pool
with psycopg_pool.ConnectionPool(sys.argv[1], min_size=2, max_size=3, open=True) as pool:
    pool.wait()
    for number in range(10):
        with pool.connection() as connection, connection.transaction():
            connection.execute("select %s /* app */", (number,))
            with connection.cursor() as cursor:
                cursor.execute("select 2 /* app */")
                assert len(list(cursor.stream("select generate_series(1, 9) /* app */"))) == 9
                assert next(cursor.stream("select 4 /* app */"))
                with cursor.copy("copy (select 5 /* app */) to stdout") as copied:
                    list(copied)
                connection.cursor("server's").execute("select 6 /* app */").fetchall()
                psycopg.ClientCursor(connection).execute("select 7 /* app */")
    try:
        with pool.connection() as connection:
            connection.execute("select 1 / 0 /* app */")
    except psycopg.Error:
        pass
    with pool.connection() as connection:
        connection.execute("select 3 /* app */")
        connection.close()
    with pool.connection() as connection:
        connection.execute("select 4 /* app */")
"""
PSYCOPG_ASYNC = """
import asyncio, sys, psycopg, psycopg_pool
async def main():
    async with psycopg_pool.AsyncConnectionPool(sys.argv[1], min_size=1, max_size=3, open=False) as pool:
        async def one(number):
            async with pool.connection() as connection:
                await connection.execute("select %s /* app */", (number,))
        await asyncio.gather(*map(one, range(10)))
        async with pool.connection() as connection, connection.cursor() as cursor:
            await cursor.execute("select 2 /* app */")
            assert len([row async for row in cursor.stream("select generate_series(1, 9) /* app */")]) == 9
            async with cursor.copy("copy (select 5 /* app */) to stdout") as copied:
                async for _ in copied:
                    pass
            await connection.cursor("server's").execute("select 6 /* app */")
asyncio.run(main())
"""
APPS = {
    "sqlalchemy-psycopg2": ("postgresql+psycopg2", SQLALCHEMY),
    "sqlalchemy-psycopg": ("postgresql+psycopg", SQLALCHEMY),
    "asyncpg": ("postgresql", ASYNCPG),
    "psycopg": ("postgresql", PSYCOPG),
    "psycopg-async": ("postgresql", PSYCOPG_ASYNC),
}


def run(folder: Path, code: str, url: str) -> tuple[subprocess.CompletedProcess[str], Channel]:
    told = folder / "told"
    told.mkdir()
    (folder / "app.py").write_text(code)
    ended = subprocess.run(
        [sys.executable, "app.py", url],
        cwd=folder,
        env=with_probe(dict(os.environ), told),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended, Channel(told)


def asked(database: TrialDatabase, query: str) -> Any:
    """By a session of another database, which is not counted in this one."""
    with closing(psycopg2.connect(database.admin_url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(query, (database.name,))
            return cursor.fetchone() if cursor.description else None


def sessions(database: TrialDatabase) -> int:
    """How many PostgreSQL has begun there; it counts them when they end, or have been idle for a while."""
    (found,) = asked(database, "select sessions from pg_stat_database where datname = %s")
    return int(found)


@pytest.mark.parametrize("name", APPS)
def test_connections_and_statements_are_those_that_postgresql_tells_of(
    name: str, postgres_server: DatabaseServer, tmp_path: Path
) -> None:
    assert postgres_server.embedded is not None
    log = postgres_server.embedded.log_path
    scheme, code = APPS[name]
    with postgres_server.fresh_database() as database:
        asked(database, f"alter database {database.name} set log_statement = 'all'")
        before, size = sessions(database), log.stat().st_size
        _, channel = run(tmp_path, code, database.url.replace("postgresql", scheme, 1))
        found = channel.read()
        wait_until(lambda: sessions(database) - before >= found["OPENED"], "all sessions are counted")
        opened = sessions(database) - before
    with log.open() as lines:
        lines.seek(size)
        said = lines.read()
    begun = r"LOG:  (?:statement|execute (?!fetch from)[^:]*): .*"  # fetching more of it is no statement more
    statements = re.findall(begun + r'(?:/\* app \*/|COPY "mine")', said)
    assert (found["OPENED"], found["STATEMENTS"]) == (opened, len(statements))
    assert (found["OPEN"], found["OUT"], found["CLOSED"]) == (0, 0, opened)
    assert found["TROUBLES"] == 0


TELL = """
import asyncio, gc, sys
from poolstorm_probe.counts import COUNTS
from poolstorm_probe.layout import AT
def told():
    return tuple(COUNTS.snapshot()[AT[name]] for name in ("SIZE", "LIMIT", "OPEN", "OUT", "TROUBLES"))
NOTHING = (0, -1, 0, 0, 0)
"""
CLOSED = {
    "engine": """
from sqlalchemy import create_engine, text
engine = create_engine(sys.argv[1], pool_size=3, max_overflow=2)
held, other = engine.connect(), engine.connect()
other.close()
assert told() == (3, 5, 2, 1, 0), told()
gc.disable()
engine.dispose()
assert told() == (0, -1, 1, 1, 0), told()
engine.connect().close()
assert told() == (3, 5, 2, 1, 0), told()
held.close()
engine.dispose()
del held, other
gc.collect()
assert told() == NOTHING, told()
""",
    "async engine": """
from sqlalchemy.ext.asyncio import create_async_engine
async def main():
    url = sys.argv[1].replace("postgresql", "postgresql+asyncpg")
    engine = create_async_engine(url, pool_size=3, max_overflow=2)
    async with engine.connect():
        assert told() == (3, 5, 1, 1, 0), told()
        await engine.dispose()
        assert told() == (0, -1, 1, 1, 0), told()
        async with engine.connect():
            assert told() == (3, 5, 2, 2, 0), told()
    await engine.dispose()
    gc.collect()
    assert told() == NOTHING, told()
asyncio.run(main())
""",
    "asyncpg": """
import asyncpg
async def main():
    kept = []
    for way in ("close", "terminate", "cut short", "collected") * 2:
        kind = dict(min_size=0, max_inactive_connection_lifetime=0.05) if way == "collected" else dict(min_size=1)
        pool = await asyncpg.create_pool(sys.argv[1], max_size=3, **kind)
        async with pool.acquire():
            assert told() == (kind["min_size"], 3, 1, 1, 0), (way, told())
            if way == "terminate":
                pool.terminate()
                await asyncio.sleep(0.1)
            elif way == "cut short":
                try:
                    await asyncio.wait_for(pool.close(), 0.1)
                except TimeoutError:
                    await asyncio.sleep(0.1)
        if way == "close":
            await pool.close()
            try:
                await pool.fetch("select 1")
            except asyncpg.InterfaceError:
                pass
        if way != "collected":
            kept.append(pool)
        del pool
        for _ in range(20):
            gc.collect()  # a pool lives for as long as its last connection does
            await asyncio.sleep(0.02)
        assert told() == NOTHING, (way, told())
asyncio.run(main())
""",
    "psycopg": """
import psycopg_pool
kept = []
for _ in range(2):
    pool = psycopg_pool.ConnectionPool(sys.argv[1], min_size=1, max_size=3, open=True)
    pool.wait()
    kept.append(pool)
    with pool.connection():
        assert told() == (1, 3, 1, 1, 0), told()
        pool.close()
        assert told() == (0, -1, 1, 1, 0), told()
    assert told() == NOTHING, told()
""",
    "psycopg async": """
import psycopg_pool
async def main():
    kept = []
    for _ in range(2):
        pool = psycopg_pool.AsyncConnectionPool(sys.argv[1], min_size=1, max_size=3, open=False)
        await pool.open(wait=True)
        kept.append(pool)
        async with pool.connection():
            assert told() == (1, 3, 1, 1, 0), told()
            await pool.close()
            assert told() == (0, -1, 1, 1, 0), told()
        assert told() == NOTHING, told()
asyncio.run(main())
""",
}


@pytest.mark.parametrize("name", CLOSED)
def test_a_pool_that_was_closed_keeps_nothing(name: str, postgres_server: DatabaseServer, tmp_path: Path) -> None:
    with postgres_server.fresh_database() as database:
        run(tmp_path, TELL + CLOSED[name], database.url)
