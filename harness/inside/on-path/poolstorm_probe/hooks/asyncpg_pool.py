"""asyncpg's own pool."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import wraps
from types import ModuleType
from typing import Any

from poolstorm_probe.counts import COUNTS, Pool, now_ns
from poolstorm_probe.hooks.asyncio_loops import watch_running_loop
from poolstorm_probe.hooks.asyncpg_statements import let_it_time
from poolstorm_probe.hooks.wrapping import around, around_async, wrap
from poolstorm_probe.outs import OUTS
from poolstorm_probe.serving import pool_was_made


def listen(pool: ModuleType) -> None:
    """`asyncpg.pool` has been imported."""
    holder = pool.PoolConnectionHolder
    if not callable(getattr(holder, "release", None)) or not callable(getattr(holder, "_release", None)):
        raise TypeError("another version")
    wrap(
        pool.Pool,
        _acquire=_acquiring,
        __init__=around(_made),
        _get_new_connection=_connecting,
        close=around_async(_ending),
        terminate=around(_ending),
    )
    wrap(holder, release=_releasing, _release=_letting_go)
    COUNTS.listening_to("asyncpg")


def _counts_of(pool: Any) -> Pool:
    """The pool itself cannot be referred to weakly; its queue is its own."""
    return COUNTS.pool(pool, int(pool._minsize), int(pool._maxsize), lives_with=pool._queue)


@contextmanager
def _made(_: Any, *__: Any, **___: Any) -> Iterator[None]:
    yield
    pool_was_made()


@contextmanager
def _ending(pool: Any) -> Iterator[None]:
    """Closing may be cut short, and terminates then."""
    try:
        yield
    finally:
        try:
            if pool._closed:
                COUNTS.retire(_counts_of(pool))
        except Exception:
            COUNTS.trouble()


def _acquiring(acquire: Any) -> Any:
    @wraps(acquire)
    async def probed(self: Any, timeout: Any) -> Any:
        if not COUNTS.knows(self):
            _look_at(self)
        one = OUTS.asks()
        if one.request is None:  # whose loop is watched already
            watch_running_loop()
        try:
            proxy = await acquire(self, timeout)
        except BaseException as error:
            OUTS.got_none(one)
            if type(error).__name__ == "TimeoutError":
                COUNTS.add("TIMED_OUT")
                OUTS.failed(error, kind="pool-timeout")
            OUTS.failed(error)
            raise
        OUTS.got(one, id(getattr(proxy, "_holder", proxy)))
        return proxy

    return probed


def _look_at(pool: Any) -> None:
    try:
        if pool._initialized:
            _counts_of(pool)
    except Exception:
        COUNTS.trouble()


def _releasing(release: Any) -> Any:
    @wraps(release)
    def probed(self: Any, timeout: Any) -> Any:
        one = OUTS.get(id(self))
        if one is not None:
            one.release_began_ns = now_ns()
        return release(self, timeout)  # to be awaited

    return probed


def _letting_go(let_go: Any) -> Any:
    """A holder comes to this however its connection ends."""

    @wraps(let_go)
    def probed(self: Any) -> Any:
        one = OUTS.get(id(self))
        if one is None or not OUTS.comes_back(one):
            return let_go(self)
        try:
            return let_go(self)
        finally:
            OUTS.came_back(one, one.release_began_ns)

    return probed


def _connecting(connect: Any) -> Any:
    @wraps(connect)
    async def probed(self: Any) -> Any:
        began_ns = now_ns()
        try:
            connection = await connect(self)
        except Exception as error:  # a cancelled one is the asking's
            OUTS.failed(error)
            raise
        finally:
            COUNTS.took("connect", began_ns)
        _opened(self, connection)
        return connection

    return probed


def _opened(pool: Any, connection: Any) -> None:
    try:
        counts = _counts_of(pool)
        COUNTS.opened(counts)
        connection.add_termination_listener(lambda _: COUNTS.opened(counts, -1))
        let_it_time(connection)
    except Exception:
        COUNTS.trouble()
