"""psycopg_pool's pools, synchronous and asynchronous."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import wraps
from types import ModuleType
from typing import Any

from poolstorm_probe.counts import COUNTS, Pool, now_ns
from poolstorm_probe.hooks.asyncio_loops import watch_running_loop
from poolstorm_probe.hooks.psycopg_statements import CHECKED
from poolstorm_probe.hooks.wrapping import around, around_async, wrap
from poolstorm_probe.outs import OUTS, Checkout
from poolstorm_probe.serving import pool_was_made

_CLOSED = "_poolstorm_probe_closed"


def listen(pool: ModuleType) -> None:
    """`psycopg_pool.pool` has been imported."""
    wrap(
        pool.ConnectionPool,
        __init__=around(_made),
        close=around(_ending),
        getconn=_getting,
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
        __init__=around(_made),
        close=around_async(_ending),
        getconn=_getting_in_loop,
        putconn=around_async(_putting),
        _check_connection=around_async(_checking),
        _connect=around_async(_connecting, then=_connected),
        _close_connection=around_async(_closing),
        _return_connection=around_async(_returning),
    )
    COUNTS.listening_to("psycopg_pool")


# --- what is counted, for both kinds -------------------------------------------------------------------------


def _counts_of(pool: Any) -> Pool:
    return COUNTS.pool(pool, int(pool.min_size), int(pool.max_size))


def _asks(pool: Any) -> Checkout:
    try:
        _counts_of(pool)
    except Exception:
        COUNTS.trouble()
    return OUTS.asks()


def _got_none(one: Checkout, error: BaseException, *, blocking: bool) -> None:
    OUTS.got_none(one, blocking=blocking)
    if type(error).__name__ == "PoolTimeout":
        COUNTS.add("TIMED_OUT")
    OUTS.failed(error)


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


# --- around the calls of either kind -------------------------------------------------------------------------


def _getting(get: Any) -> Any:
    @wraps(get)
    def probed(self: Any, *words: Any, **options: Any) -> Any:
        one = _asks(self)
        try:
            connection = get(self, *words, **options)
        except BaseException as error:
            _got_none(one, error, blocking=True)
            raise
        OUTS.got(one, id(connection), blocking=True)
        return connection

    return probed


def _getting_in_loop(get: Any) -> Any:
    @wraps(get)
    async def probed(self: Any, *words: Any, **options: Any) -> Any:
        watch_running_loop()
        one = _asks(self)
        try:
            connection = await get(self, *words, **options)
        except BaseException as error:
            _got_none(one, error, blocking=False)
            raise
        OUTS.got(one, id(connection))
        return connection

    return probed


@contextmanager
def _putting(_: Any, conn: Any, *__: Any, **___: Any) -> Iterator[None]:
    one, began_ns = OUTS.get(id(conn)), now_ns()
    if one is None or not OUTS.comes_back(one):
        yield
        return
    try:
        yield
    finally:
        OUTS.came_back(one, began_ns)


@contextmanager
def _checking(pool: Any, conn: Any) -> Iterator[None]:
    if not pool._check:
        yield
        return
    CHECKED.add(id(conn))
    began_ns = now_ns()
    try:
        yield
    finally:
        CHECKED.discard(id(conn))
        COUNTS.took("ping", began_ns)
        COUNTS.add("PINGS")


@contextmanager
def _made(_: Any, *__: Any, **___: Any) -> Iterator[None]:
    yield
    pool_was_made()


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
    except Exception as error:  # a cancelled one is none of the app's
        OUTS.failed(error)
        raise
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
