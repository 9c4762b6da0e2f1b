"""psycopg_pool's pools, synchronous and asynchronous, and the statements on their connections."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from types import ModuleType
from typing import Any

from poolstorm_probe.counts import COUNTS, Pool, now_ns
from poolstorm_probe.hooks.asyncio_loops import watch_running_loop
from poolstorm_probe.hooks.requests import asked_for_connection
from poolstorm_probe.hooks.wrapping import wrap

_CLOSED = "_poolstorm_probe_closed"
_checked: set[int] = set()  # connections that the pool is trying out, by their address


def listen(pool: ModuleType) -> None:
    """`psycopg_pool.pool` has been imported."""
    wrap(
        pool.ConnectionPool,
        getconn=_getting,
        putconn=_putting,
        _check_connection=_checking,
        _connect=_connecting,
        _close_connection=_closing,
        _return_connection=_returning,
    )
    COUNTS.listening_to("psycopg_pool")


def listen_async(pool: ModuleType) -> None:
    """`psycopg_pool.pool_async` has been imported."""
    wrap(
        pool.AsyncConnectionPool,
        getconn=_async_getting,
        putconn=_async_putting,
        _check_connection=_async_checking,
        _connect=_async_connecting,
        _close_connection=_async_closing,
        _return_connection=_async_returning,
    )
    COUNTS.listening_to("psycopg_pool")


def listen_to_cursors(module: ModuleType) -> None:
    """`psycopg.cursor` has been imported."""
    wrap(module.Cursor, execute=_executing, executemany=_executing)


def listen_to_async_cursors(module: ModuleType) -> None:
    """`psycopg.cursor_async` has been imported."""
    wrap(module.AsyncCursor, execute=_async_executing, executemany=_async_executing)


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


def _failed(error: BaseException) -> None:
    if type(error).__name__ == "PoolTimeout":
        COUNTS.add("TIMED_OUT")


def _end(began_ns: int) -> None:
    COUNTS.waits(-1)
    COUNTS.took("acquire", began_ns)


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


def _pinged(connection: Any, began_ns: int) -> None:
    _checked.discard(id(connection))
    COUNTS.took("ping", began_ns)
    COUNTS.add("PINGS")


def _is_of_the_app(cursor: Any) -> bool:
    """Of a connection that is out of a pool of psycopg's; SQLAlchemy's are counted where SQLAlchemy uses them."""
    connection = getattr(cursor, "_conn", None)
    return COUNTS.is_out(id(connection)) and id(connection) not in _checked


def _executed(began_ns: int) -> None:
    COUNTS.took("query", began_ns)
    COUNTS.add("STATEMENTS")


# --- the wrappers of either ----------------------------------------------------------------------------------


def _getting(get: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(get)
    def probed(self: Any, *words: Any, **options: Any) -> Any:
        began_ns = _begin(self)
        try:
            connection = get(self, *words, **options)
        except BaseException as error:
            _failed(error)
            raise
        finally:
            _end(began_ns)
        COUNTS.went_out(id(connection))
        return connection

    return probed


def _async_getting(get: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(get)
    async def probed(self: Any, *words: Any, **options: Any) -> Any:
        watch_running_loop()
        began_ns = _begin(self)
        try:
            connection = await get(self, *words, **options)
        except BaseException as error:
            _failed(error)
            raise
        finally:
            _end(began_ns)
        COUNTS.went_out(id(connection))
        return connection

    return probed


def _putting(put: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(put)
    def probed(self: Any, conn: Any, *words: Any, **options: Any) -> Any:
        since_ns, began_ns = COUNTS.comes_back(id(conn)), now_ns()
        try:
            return put(self, conn, *words, **options)
        finally:
            COUNTS.came_back(since_ns, began_ns)

    return probed


def _async_putting(put: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(put)
    async def probed(self: Any, conn: Any, *words: Any, **options: Any) -> Any:
        since_ns, began_ns = COUNTS.comes_back(id(conn)), now_ns()
        try:
            return await put(self, conn, *words, **options)
        finally:
            COUNTS.came_back(since_ns, began_ns)

    return probed


def _checking(check: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(check)
    def probed(self: Any, conn: Any) -> Any:
        if not self._check:
            return check(self, conn)
        _checked.add(id(conn))
        began_ns = now_ns()
        try:
            return check(self, conn)
        finally:
            _pinged(conn, began_ns)

    return probed


def _async_checking(check: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(check)
    async def probed(self: Any, conn: Any) -> Any:
        if not self._check:
            return await check(self, conn)
        _checked.add(id(conn))
        began_ns = now_ns()
        try:
            return await check(self, conn)
        finally:
            _pinged(conn, began_ns)

    return probed


def _connecting(connect: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(connect)
    def probed(self: Any, *words: Any, **options: Any) -> Any:
        began_ns = now_ns()
        try:
            connection = connect(self, *words, **options)
        finally:
            COUNTS.took("connect", began_ns)
        _opened(self)
        return connection

    return probed


def _async_connecting(connect: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(connect)
    async def probed(self: Any, *words: Any, **options: Any) -> Any:
        began_ns = now_ns()
        try:
            connection = await connect(self, *words, **options)
        finally:
            COUNTS.took("connect", began_ns)
        _opened(self)
        return connection

    return probed


def _closing(close: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(close)
    def probed(self: Any, conn: Any) -> Any:
        _count_closed(self, conn, lost=False)
        return close(self, conn)

    return probed


def _async_closing(close: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(close)
    async def probed(self: Any, conn: Any) -> Any:
        _count_closed(self, conn, lost=False)
        return await close(self, conn)

    return probed


def _returning(give_back: Callable[..., Any]) -> Callable[..., Any]:
    """A connection that is found lost is dropped without being closed."""

    @wraps(give_back)
    def probed(self: Any, conn: Any, *words: Any, **options: Any) -> Any:
        try:
            return give_back(self, conn, *words, **options)
        finally:
            if conn.closed:
                _count_closed(self, conn, lost=True)

    return probed


def _async_returning(give_back: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(give_back)
    async def probed(self: Any, conn: Any, *words: Any, **options: Any) -> Any:
        try:
            return await give_back(self, conn, *words, **options)
        finally:
            if conn.closed:
                _count_closed(self, conn, lost=True)

    return probed


def _executing(execute: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(execute)
    def probed(self: Any, *words: Any, **options: Any) -> Any:
        if not _is_of_the_app(self):
            return execute(self, *words, **options)
        began_ns = now_ns()
        try:
            return execute(self, *words, **options)
        finally:
            _executed(began_ns)

    return probed


def _async_executing(execute: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(execute)
    async def probed(self: Any, *words: Any, **options: Any) -> Any:
        if not _is_of_the_app(self):
            return await execute(self, *words, **options)
        began_ns = now_ns()
        try:
            return await execute(self, *words, **options)
        finally:
            _executed(began_ns)

    return probed
