"""SQLAlchemy's pools, of every engine of the process, synchronous or not.

A pool's ways out and in are wrapped for all pools at once; what a pool asks of its dialect, on the dialect that
each engine has of its own (`sqlalchemy_statements`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from types import ModuleType
from typing import Any

from poolstorm_probe.counts import COUNTS, Pool, now_ns
from poolstorm_probe.hooks.sqlalchemy_statements import OUT, listen_to_errors, out_of, record_of, wrap_dialect
from poolstorm_probe.hooks.wrapping import around, wrap
from poolstorm_probe.outs import OUTS
from poolstorm_probe.serving import pool_was_made

_MARK = "_poolstorm_probe"
_KNOWN = "_poolstorm_probe_known"


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
    _listen_to_new_pools(AnyPool)
    listen_to_errors(exc)


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
        one = record.__dict__.pop(OUT, None)
        if one is not None and OUTS.comes_back(one):
            OUTS.came_back(one)
    except Exception:
        COUNTS.trouble()


def _listen_to_new_pools(kind: Any) -> None:
    """`create_engine` reads from the `__init__` of a pool which words it takes, so that has to stay what it is."""
    if kind.__new__ is not object.__new__:
        raise TypeError("another version")

    def made(cls: Any, *_: Any, **__: Any) -> Any:
        pool_was_made()
        return object.__new__(cls)

    kind.__new__ = made


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
        except Exception as error:  # a cancelled one is the asking's
            OUTS.failed(error)
            raise
        finally:
            COUNTS.took("connect", began_ns)

    return probed


def _checking_out(timeout_error: type[Exception]) -> Callable[[Any], Any]:
    def checking_out(connect: Any) -> Any:
        @wraps(connect)
        def probed(self: Any) -> Any:
            known = self.__dict__.get(_KNOWN)
            if known is None or known[0].of_a_parent:
                known = _look_at(self)
            blocking = known is not None and known[1]
            one = OUTS.asks()
            try:
                connection = connect(self)
            except BaseException as error:
                OUTS.got_none(one, blocking=blocking)
                if isinstance(error, timeout_error):
                    COUNTS.add("TIMED_OUT")
                OUTS.failed(error)
                raise
            record = record_of(connection)
            before = out_of(record)
            if record is None or (before is not None and OUTS.get(before.key) is before):
                OUTS.got_none(one, blocking=blocking)  # a pool that keeps one a thread hands out the same again
            else:
                record.__dict__[OUT] = one
                OUTS.got(one, id(record), blocking=blocking)
            return connection

        return probed

    return checking_out


def _giving_back(give_back: Any) -> Any:
    @wraps(give_back)
    def probed(self: Any, record: Any) -> Any:
        one = record.__dict__.pop(OUT, None)  # as soon as the place is back another thread may have it
        if one is None or not OUTS.comes_back(one):
            return give_back(self, record)
        began_ns = one.release_began_ns or now_ns()
        try:
            return give_back(self, record)
        finally:
            OUTS.came_back(one, began_ns)

    return probed


def _look_at(pool: Any) -> tuple[Pool, bool] | None:
    """Before a pool's first checkout in a process; whether that is a synchronous call down to the driver."""
    try:
        dialect = pool._dialect
        known = pool.__dict__[_KNOWN] = _counts_of(pool), not dialect.is_async
        if not getattr(dialect, _MARK, False):
            setattr(dialect, _MARK, True)
            wrap_dialect(dialect)
        return known
    except Exception:
        COUNTS.trouble()
        return None
