"""SQLAlchemy's pools, of every engine of the process, synchronous or not.

A pool's ways out and in are wrapped for all pools at once; what a pool asks of its dialect, on the dialect that
each engine has of its own, as the classes of drivers have their own versions. SQLAlchemy's events for cursors are
left alone: to listen to them costs more than all this.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from types import ModuleType
from typing import Any

from poolstorm_probe.counts import COUNTS, Pool, now_ns
from poolstorm_probe.hooks.requests import asked_for_connection
from poolstorm_probe.hooks.wrapping import around, wrap

_KEY = "poolstorm_probe"
_MARK = "_poolstorm_probe"


class _Lease:
    """What is known of one place in a pool; its address names it while it is out."""

    __slots__ = ("out", "release_began_ns")

    def __init__(self) -> None:
        self.out = False
        self.release_began_ns = 0


def listen(_: ModuleType) -> None:
    """`sqlalchemy` has been imported."""
    from sqlalchemy import event, exc
    from sqlalchemy.engine import Engine
    from sqlalchemy.pool import Pool as AnyPool
    from sqlalchemy.pool import base

    wrap(base._ConnectionRecord, _ConnectionRecord__connect=_connecting)
    wrap(Engine, dispose=around(_disposing))
    wrap(AnyPool, connect=_checking_out(exc.TimeoutError), _return_conn=_giving_back)
    event.listen(AnyPool, "connect", _opened)
    event.listen(AnyPool, "detach", _detached)
    event.listen(AnyPool, "close", _closed)
    event.listen(AnyPool, "close_detached", lambda _: COUNTS.add("CLOSED"))
    event.listen(AnyPool, "invalidate", lambda *_: COUNTS.add("INVALIDATED"))
    event.listen(AnyPool, "soft_invalidate", lambda *_: COUNTS.add("INVALIDATED"))
    COUNTS.listening_to("sqlalchemy")


def _lease_of(place: Any) -> _Lease:
    info = place.record_info
    if info is None:  # detached from its pool: nobody will ask again
        return _Lease()
    lease = info.get(_KEY)
    if lease is None:
        lease = info[_KEY] = _Lease()
    return lease  # type: ignore[no-any-return]


def _counts_of(pool: Any) -> Pool:
    """A pool that is no queue keeps nothing that could be counted on, and has no limit."""
    size, limit = 0, None
    if hasattr(pool, "_max_overflow"):
        size = pool.size()
        limit = None if pool._max_overflow < 0 or not size else size + pool._max_overflow
    return COUNTS.pool(pool, size, limit)


def _pool_of(record: Any) -> Any:
    return getattr(record, "_ConnectionRecord__pool", None)


def _opened(_: Any, record: Any) -> None:
    try:
        if (pool := _pool_of(record)) is not None:
            COUNTS.opened(_counts_of(pool))
    except Exception:
        COUNTS.trouble()


def _closed(_: Any, record: Any) -> None:
    try:
        if (pool := _pool_of(record)) is not None:
            COUNTS.opened(_counts_of(pool), -1)
    except Exception:
        COUNTS.trouble()


def _detached(_: Any, record: Any) -> None:
    try:
        lease = _lease_of(record)
        lease.out = False
        COUNTS.came_back(COUNTS.comes_back(id(lease)))
    except Exception:
        COUNTS.trouble()


@contextmanager
def _disposing(engine: Any, *_: Any, **__: Any) -> Iterator[None]:
    """An engine that is disposed of has another pool; of the old one's connections some may still be out."""
    old = engine.pool
    try:
        yield
    finally:
        try:
            if engine.pool is not old:
                COUNTS.retire(_counts_of(old))
        except Exception:
            COUNTS.trouble()


def _connecting(connect: Any) -> Any:
    """What the dialect asks of a new connection is a part of connecting."""

    @wraps(connect)
    def probed(self: Any) -> Any:
        began_ns = now_ns()
        try:
            return connect(self)
        finally:
            COUNTS.took("connect", began_ns)

    return probed


def _checking_out(timeout_error: type[Exception]) -> Callable[[Any], Any]:
    def checking_out(connect: Any) -> Any:
        @wraps(connect)
        def probed(self: Any) -> Any:
            _look_at(self)
            asked_for_connection()
            COUNTS.waits()
            began_ns = now_ns()
            try:
                connection = connect(self)
            except timeout_error:
                COUNTS.add("TIMED_OUT")
                raise
            finally:
                COUNTS.waits(-1)
                COUNTS.took("acquire", began_ns)
            _went_out(connection)
            return connection

        return probed

    return checking_out


def _giving_back(give_back: Any) -> Any:
    @wraps(give_back)
    def probed(self: Any, record: Any) -> Any:
        lease = _out_of(record)
        if lease is None:
            return give_back(self, record)
        lease.out = False  # as soon as the place is back another thread may have it
        began_ns, since_ns = lease.release_began_ns or now_ns(), COUNTS.comes_back(id(lease))
        try:
            return give_back(self, record)
        finally:
            COUNTS.came_back(since_ns, began_ns)

    return probed


def _went_out(connection: Any) -> None:
    try:
        lease = _lease_of(connection)
        lease.release_began_ns = 0
        if not lease.out:  # a pool that keeps a connection a thread hands out the same again
            lease.out = True
            COUNTS.went_out(id(lease))
    except Exception:
        COUNTS.trouble()


def _out_of(record: Any) -> _Lease | None:
    try:
        lease = _lease_of(record)
    except Exception:
        COUNTS.trouble()
        return None
    return lease if lease.out else None


def _look_at(pool: Any) -> None:
    """Before a pool's first checkout."""
    try:
        _counts_of(pool)
        dialect = pool._dialect
        if not getattr(dialect, _MARK, False):
            setattr(dialect, _MARK, True)
            _wrap_dialect(dialect)
    except Exception:
        COUNTS.trouble()


def _wrap_dialect(dialect: Any) -> None:
    if not hasattr(dialect, "do_execute"):  # a pool without an engine
        return
    ping, roll_back = dialect.do_ping, dialect.do_rollback

    def probed_ping(dbapi_connection: Any) -> Any:
        began_ns = now_ns()
        try:
            return ping(dbapi_connection)
        finally:
            COUNTS.took("ping", began_ns)
            COUNTS.add("PINGS")

    def probed_rollback(dbapi_connection: Any) -> Any:
        _release_begins(dbapi_connection)
        return roll_back(dbapi_connection)

    dialect.do_ping, dialect.do_rollback = probed_ping, probed_rollback
    for name, at in (("do_execute", 3), ("do_executemany", 3), ("do_execute_no_params", 2)):
        setattr(dialect, name, _timed(getattr(dialect, name), at))


def _release_begins(dbapi_connection: Any) -> None:
    """A session's end rolls back before the pool resets: that is the release's real beginning."""
    try:
        lease = _lease_of(dbapi_connection)
        if not lease.release_began_ns:
            lease.release_began_ns = now_ns()
    except Exception:  # it is no connection of a pool's
        pass


def _timed(execute: Callable[..., Any], context_at: int) -> Callable[..., Any]:
    """Around an execution of a cursor, whose context comes by name or at that place."""

    def probed(*words: Any, **options: Any) -> Any:
        context = words[context_at] if len(words) > context_at else options.get("context")
        if not _is_of_the_app(context):
            return execute(*words, **options)
        began_ns = now_ns()
        try:
            return execute(*words, **options)
        finally:
            COUNTS.took("query", began_ns)
            COUNTS.add("STATEMENTS")

    return probed


def _is_of_the_app(context: Any) -> bool:
    """And none of the dialect's own questions to a new connection."""
    try:
        lease = _lease_of(context.root_connection.connection)
    except Exception:
        return False
    lease.release_began_ns = 0  # a rollback before was not the end
    return lease.out
