"""psycopg_pool's pools, synchronous and asynchronous, and the statements on their connections."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from functools import wraps
from itertools import islice
from types import ModuleType
from typing import Any

from poolstorm_probe.counts import COUNTS, Pool, now_ns
from poolstorm_probe.hooks.asyncio_loops import watch_running_loop
from poolstorm_probe.hooks.requests import asked_for_connection
from poolstorm_probe.hooks.statements import statement
from poolstorm_probe.hooks.wrapping import around, around_async, wrap

_CLOSED = "_poolstorm_probe_closed"
_NO_ROW = object()
_checked: set[int] = set()  # connections that the pool is trying out, by their address


def listen(pool: ModuleType) -> None:
    """`psycopg_pool.pool` has been imported."""
    wrap(
        pool.ConnectionPool,
        close=around(_ending),
        getconn=around(_getting, then=_got),
        putconn=around(_putting),
        _check_connection=around(_checking),
        _connect=around(_connecting, then=_connected),
        _close_connection=around(_closing),
        _return_connection=around(_returning),
    )
    COUNTS.listening_to("psycopg_pool")


def listen_async(pool: ModuleType) -> None:
    """`psycopg_pool.pool_async` has been imported."""
    wrap(
        pool.AsyncConnectionPool,
        close=around_async(_ending),
        getconn=around_async(_getting_in_loop, then=_got),
        putconn=around_async(_putting),
        _check_connection=around_async(_checking),
        _connect=around_async(_connecting, then=_connected),
        _close_connection=around_async(_closing),
        _return_connection=around_async(_returning),
    )
    COUNTS.listening_to("psycopg_pool")


def listen_to_cursors(module: ModuleType) -> None:
    """`psycopg.cursor` has been imported."""
    wrap(
        module.Cursor,
        execute=around(_executing),
        executemany=around(_executing),
        stream=_streaming,
        copy=_copying,
    )


def listen_to_async_cursors(module: ModuleType) -> None:
    """`psycopg.cursor_async` has been imported."""
    wrap(
        module.AsyncCursor,
        execute=around_async(_executing),
        executemany=around_async(_executing),
        stream=_streaming_in_loop,
        copy=_copying_in_loop,
    )


def listen_to_server_cursors(module: ModuleType) -> None:
    """The module with one kind of cursors that are the server's, or with both, has been imported."""
    if hasattr(module, "ServerCursor"):
        wrap(module.ServerCursor, execute=around(_executing))
    if hasattr(module, "AsyncServerCursor"):
        wrap(module.AsyncServerCursor, execute=around_async(_executing))


# --- what is counted, for both kinds -------------------------------------------------------------------------


def _counts_of(pool: Any) -> Pool:
    return COUNTS.pool(pool, int(pool.min_size), int(pool.max_size))


def _begin(pool: Any) -> int:
    try:
        _counts_of(pool)
    except Exception:
        COUNTS.trouble()
    asked_for_connection()
    COUNTS.waits()
    return now_ns()


def _opened(pool: Any, number: int = 1) -> None:
    try:
        COUNTS.opened(_counts_of(pool), number)
    except Exception:
        COUNTS.trouble()


def _count_closed(pool: Any, connection: Any, *, lost: bool) -> None:
    """Once for each connection."""
    try:
        if not getattr(connection, _CLOSED, False):
            setattr(connection, _CLOSED, True)
            _opened(pool, -1)
            if lost:
                COUNTS.add("INVALIDATED")
    except Exception:
        COUNTS.trouble()


def _is_of_the_app(cursor: Any) -> bool:
    """Of a connection that is out of a pool of psycopg's; SQLAlchemy's are counted where SQLAlchemy uses them."""
    connection = getattr(cursor, "_conn", None)
    return COUNTS.is_out(id(connection)) and id(connection) not in _checked


# --- around the calls of either kind -------------------------------------------------------------------------


@contextmanager
def _getting(pool: Any, *_: Any, **__: Any) -> Iterator[None]:
    began_ns = _begin(pool)
    try:
        yield
    except BaseException as error:
        if type(error).__name__ == "PoolTimeout":
            COUNTS.add("TIMED_OUT")
        raise
    finally:
        COUNTS.waits(-1)
        COUNTS.took("acquire", began_ns)


@contextmanager
def _getting_in_loop(pool: Any, *_: Any, **__: Any) -> Iterator[None]:
    watch_running_loop()
    with _getting(pool):
        yield


def _got(_: Any, connection: Any) -> None:
    COUNTS.went_out(id(connection))


@contextmanager
def _putting(_: Any, conn: Any, *__: Any, **___: Any) -> Iterator[None]:
    since_ns, began_ns = COUNTS.comes_back(id(conn)), now_ns()
    try:
        yield
    finally:
        COUNTS.came_back(since_ns, began_ns)


@contextmanager
def _checking(pool: Any, conn: Any) -> Iterator[None]:
    if not pool._check:
        yield
        return
    _checked.add(id(conn))
    began_ns = now_ns()
    try:
        yield
    finally:
        _checked.discard(id(conn))
        COUNTS.took("ping", began_ns)
        COUNTS.add("PINGS")


@contextmanager
def _ending(pool: Any, *_: Any, **__: Any) -> Iterator[None]:
    """It is closed before it waits for its workers, and cannot be opened again."""
    try:
        yield
    finally:
        try:
            if pool.closed:
                COUNTS.retire(_counts_of(pool))
        except Exception:
            COUNTS.trouble()


@contextmanager
def _connecting(_: Any, *__: Any, **___: Any) -> Iterator[None]:
    began_ns = now_ns()
    try:
        yield
    finally:
        COUNTS.took("connect", began_ns)


def _connected(pool: Any, _: Any) -> None:
    _opened(pool)


@contextmanager
def _closing(pool: Any, conn: Any) -> Iterator[None]:
    _count_closed(pool, conn, lost=False)
    yield


@contextmanager
def _returning(pool: Any, conn: Any, *_: Any, **__: Any) -> Iterator[None]:
    """A connection that is found lost is dropped without being closed."""
    try:
        yield
    finally:
        if conn.closed:
            _count_closed(pool, conn, lost=True)


def _executing(cursor: Any, *_: Any, **__: Any) -> AbstractContextManager[None]:
    return statement(of_the_app=_is_of_the_app(cursor))


def _streaming(stream: Any) -> Any:
    """Until the first row is there: what the app does with its rows takes its own time."""

    @wraps(stream)
    def probed(self: Any, *words: Any, **options: Any) -> Iterator[Any]:
        rows = stream(self, *words, **options)
        try:
            with _executing(self):
                first = list(islice(rows, 1))
            yield from first
            yield from rows
        finally:
            rows.close()

    return probed


def _streaming_in_loop(stream: Any) -> Any:
    @wraps(stream)
    async def probed(self: Any, *words: Any, **options: Any) -> AsyncIterator[Any]:
        rows = stream(self, *words, **options)
        try:
            with _executing(self):
                first = await anext(rows, _NO_ROW)
            if first is not _NO_ROW:
                yield first
                async for row in rows:
                    yield row
        finally:
            await rows.aclose()

    return probed


def _copying(copy: Any) -> Any:
    """From its beginning to its end: the server is at it all the while."""

    @wraps(copy)
    @contextmanager
    def probed(self: Any, *words: Any, **options: Any) -> Iterator[Any]:
        with _executing(self), copy(self, *words, **options) as copied:
            yield copied

    return probed


def _copying_in_loop(copy: Any) -> Any:
    @wraps(copy)
    @asynccontextmanager
    async def probed(self: Any, *words: Any, **options: Any) -> AsyncIterator[Any]:
        with _executing(self):
            async with copy(self, *words, **options) as copied:
                yield copied

    return probed
