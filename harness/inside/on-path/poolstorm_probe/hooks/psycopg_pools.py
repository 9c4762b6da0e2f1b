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
        putconn=around(_Putting),
        _check_connection=around(_Checking),
        _connect=around(_connecting, then=_connected),
        _close_connection=around(_closing),
        _return_connection=around(_Returning),
    )
    COUNTS.listening_to("psycopg_pool")


def listen_async(pool: ModuleType) -> None:
    """`psycopg_pool.pool_async` has been imported."""
    wrap(
        pool.AsyncConnectionPool,
        __init__=around(_made),
        close=around_async(_ending),
        getconn=_getting_in_loop,
        putconn=around_async(_Putting),
        _check_connection=around_async(_Checking),
        _connect=around_async(_connecting, then=_connected),
        _close_connection=around_async(_closing),
        _return_connection=around_async(_Returning),
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


class _Putting:
    """Entered at each return, so none of a generator's."""

    __slots__ = ("_began_ns", "_one")

    def __init__(self, _: Any, conn: Any, *__: Any, **___: Any) -> None:
        self._began_ns = now_ns()
        one = OUTS.get(id(conn))
        self._one = one if one is not None and OUTS.comes_back(one) else None

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: Any) -> None:
        if self._one is not None:
            OUTS.came_back(self._one, self._began_ns)


class _Checking:
    """Entered for each connection that is taken."""

    __slots__ = ("_began_ns", "_key")

    def __init__(self, pool: Any, conn: Any) -> None:
        self._key = id(conn) if pool._check else None
        self._began_ns = now_ns()

    def __enter__(self) -> None:
        if self._key is not None:
            CHECKED.add(self._key)

    def __exit__(self, *_: Any) -> None:
        if self._key is not None:
            CHECKED.discard(self._key)
            COUNTS.pinged(self._began_ns)


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


class _Returning:
    """A connection that is found lost is dropped without being closed."""

    __slots__ = ("_conn", "_pool")

    def __init__(self, pool: Any, conn: Any, *_: Any, **__: Any) -> None:
        self._pool, self._conn = pool, conn

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: Any) -> None:
        if self._conn.closed:
            _count_closed(self._pool, self._conn, lost=True)
