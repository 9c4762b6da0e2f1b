"""Where a request's time goes inside SQLAlchemy, and the state of its pool.

`instrument(engine)` measures any engine, synchronous or asynchronous, with any pool, and returns its gauges.
What belongs to a request goes to the accumulator that `targets.timing` gave it.

Five durations are told apart. acquire: from asking the pool for a connection to having it. connect: the part
of that spent opening connections and setting them up. ping: the part spent testing pooled ones. query:
executions of cursors. release: from the rollback that ends a connection's use until it is back in the pool, or
closed where the pool does not keep it.

SQLAlchemy's events for connections and cursors are left alone: listening to any of them has it prepare the
arguments of all, which costs more than everything here. The hooks are those of its dialect, and the engine's
own dialect and pool, wrapped.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from time import perf_counter_ns
from typing import Any

from sqlalchemy import Engine, event, exc
from sqlalchemy.engine import Dialect, ExecutionContext
from sqlalchemy.engine.interfaces import DBAPIConnection, DBAPICursor
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import ConnectionPoolEntry, Pool, PoolProxiedConnection, QueuePool

from targets.gauges import Gauges
from targets.timing import current_request

slow_query_logger = logging.getLogger("poolstorm.slow_query")

_LEASE = "poolstorm_lease"


def instrument(engine: Engine | AsyncEngine, slow_query_ms: float = 100.0) -> Gauges:
    """Measure `engine` from now on, and log statements that take longer than `slow_query_ms`.

    Call it once, after all listeners of your own that configure new connections, and before the first
    connection: what comes later is not counted as connecting. It stays in force when the engine is disposed of.
    """
    sync_engine = engine.sync_engine if isinstance(engine, AsyncEngine) else engine
    gauges = Gauges(EngineView(sync_engine))
    _time_checkouts_and_returns(sync_engine.pool, gauges)
    _time_connects(sync_engine, gauges)
    _time_dialect(sync_engine.dialect, gauges)
    _time_statements(sync_engine, gauges, slow_query_ms)
    return gauges


class EngineView:
    """The pool that an engine has at the moment; only a QueuePool is one that keeps connections and queues."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @property
    def pooled(self) -> bool:
        """Whether it keeps connections and queues for them."""
        return self._queue() is not None

    def size(self) -> int:
        """0 for a pool that keeps all."""
        queue = self._queue()
        return queue.size() if queue else 0

    def checked_in(self) -> int:
        """Connections that are open and in nobody's hands."""
        queue = self._queue()
        return queue.checkedin() if queue else 0

    def checked_out(self) -> int | None:
        """Places in use; None without a queue."""
        queue = self._queue()
        return max(0, queue.checkedout()) if queue else None

    def overflow(self) -> int:
        """A pool without a size keeps all, though SQLAlchemy counts them as overflow."""
        queue = self._queue()
        return max(0, queue.overflow()) if queue and queue.size() else 0

    def limit(self) -> int | None:
        """The pool has no public name for its overflow."""
        queue = self._queue()
        return queue.size() + queue._max_overflow if queue and queue._max_overflow >= 0 else None

    def _queue(self) -> QueuePool | None:
        pool = self._engine.pool
        return pool if isinstance(pool, QueuePool) else None


class _Lease:
    """What is known of one place in the pool while its connection is out; times in nanoseconds, 0 for none.

    Only one request at a time has the place, so that it needs no lock.
    """

    __slots__ = ("out", "out_since_ns", "release_began_ns", "set_up_began_ns")

    def __init__(self) -> None:
        self.out = False
        self.out_since_ns = 0
        self.set_up_began_ns = 0
        self.release_began_ns = 0


def _lease_of(place: ConnectionPoolEntry | PoolProxiedConnection) -> _Lease:
    info = place.record_info
    if info is None:  # detached from its pool: nobody will ask again
        return _Lease()
    lease = info.get(_LEASE)
    if lease is None:
        lease = info[_LEASE] = _Lease()
    assert isinstance(lease, _Lease)
    return lease


# --- acquire and release ---------------------------------------------------------------------------------


def _time_checkouts_and_returns(pool: Pool, gauges: Gauges) -> None:
    """Wrap the pool's ways out and in, and those of the pool that takes its place when the engine is disposed of.

    SQLAlchemy has no event for a checkout's start or its end in a timeout, nor for a return's end.
    """
    checkout, give_back, recreate = pool.connect, pool._return_conn, pool.recreate

    def timed_connect() -> PoolProxiedConnection:
        timings = current_request.get()
        gauges.began_checkout(is_requests_first=timings is not None and not timings.checkouts)
        if timings is not None:
            timings.checkouts += 1
        began_ns = perf_counter_ns()
        taken = False
        try:
            connection = checkout()
            lease = _lease_of(connection)
            lease.release_began_ns = 0
            taken = not lease.out  # a pool that keeps a connection a thread hands out the same again
            if taken:
                lease.out = True
                lease.out_since_ns = perf_counter_ns()
            return connection
        except exc.TimeoutError:
            gauges.add("timed_out")
            raise
        finally:
            gauges.ended_checkout(taken)
            if timings is not None:
                timings.acquire_ns += perf_counter_ns() - began_ns

    def timed_return(record: ConnectionPoolEntry) -> None:
        lease = _lease_of(record)
        if not lease.out:  # a checkout that failed
            give_back(record)
            return
        # As soon as the place is back another thread may have it.
        lease.out = False
        out_since_ns, began_ns = lease.out_since_ns, lease.release_began_ns or perf_counter_ns()
        try:
            give_back(record)
        finally:
            ended_ns = perf_counter_ns()
            gauges.ended_lease(ended_ns - out_since_ns, ended_ns - began_ns)

    def timed_recreate() -> Pool:
        successor = recreate()
        _time_checkouts_and_returns(successor, gauges)
        return successor

    pool.connect = timed_connect  # type: ignore[method-assign]
    pool._return_conn = timed_return  # type: ignore[method-assign]
    pool.recreate = timed_recreate  # type: ignore[method-assign]


# --- connect ---------------------------------------------------------------------------------------------


def _time_connects(engine: Engine, gauges: Gauges) -> None:
    """Listeners on a pool are carried over when the engine replaces it."""

    def on_connect(_: DBAPIConnection, record: ConnectionPoolEntry) -> None:
        lease = _lease_of(record)
        if lease.set_up_began_ns:  # the dialect's own listeners came before: it may have asked the server a lot
            _add_connect_time(perf_counter_ns() - lease.set_up_began_ns)
            lease.set_up_began_ns = 0
        gauges.add("opened")

    def on_detach(_: DBAPIConnection, record: ConnectionPoolEntry) -> None:
        lease = _lease_of(record)
        if lease.out:
            lease.out = False
            gauges.ended_lease(perf_counter_ns() - lease.out_since_ns, 0)

    event.listen(engine, "do_connect", _open_connection)
    event.listen(engine.pool, "connect", on_connect)
    event.listen(engine.pool, "detach", on_detach)
    event.listen(engine.pool, "close", lambda *_: gauges.add("closed"))
    event.listen(engine.pool, "close_detached", lambda *_: gauges.add("closed"))
    event.listen(engine.pool, "invalidate", lambda *_: gauges.add("invalidated"))
    event.listen(engine.pool, "soft_invalidate", lambda *_: gauges.add("invalidated"))


def _open_connection(
    dialect: Dialect, record: ConnectionPoolEntry, cargs: list[Any], cparams: dict[str, Any]
) -> DBAPIConnection:
    """Open the connection in SQLAlchemy's stead, so that a failure's time is known too."""
    began_ns = perf_counter_ns()
    try:
        return dialect.connect(*cargs, **cparams)
    finally:
        ended_ns = perf_counter_ns()
        _lease_of(record).set_up_began_ns = ended_ns
        _add_connect_time(ended_ns - began_ns)


def _add_connect_time(duration_ns: int) -> None:
    timings = current_request.get()
    if timings is not None:
        timings.connect_ns += duration_ns


# --- ping, and where a release begins --------------------------------------------------------------------


def _time_dialect(dialect: Dialect, gauges: Gauges) -> None:
    """Wrap what the pool asks of the engine's own dialect object; there are no events for it."""
    ping, roll_back = dialect.do_ping, dialect.do_rollback

    def timed_ping(dbapi_connection: DBAPIConnection) -> bool:
        began_ns = perf_counter_ns()
        try:
            return ping(dbapi_connection)
        finally:
            timings = current_request.get()
            if timings is not None:
                timings.ping_ns += perf_counter_ns() - began_ns
            gauges.add("pings")

    def noted_rollback(dbapi_connection: PoolProxiedConnection) -> None:
        # A session's end rolls back before the pool resets: that is the release's real beginning.
        lease = _lease_of(dbapi_connection)
        if not lease.release_began_ns:
            lease.release_began_ns = perf_counter_ns()
        roll_back(dbapi_connection)

    dialect.do_ping = timed_ping  # type: ignore[method-assign]
    dialect.do_rollback = noted_rollback  # type: ignore[method-assign]


# --- query -----------------------------------------------------------------------------------------------


def _time_statements(engine: Engine, gauges: Gauges, slow_query_ms: float) -> None:
    """Execute statements in SQLAlchemy's stead, so that a failure's time is known too."""
    slow_query_ns = slow_query_ms * 1e6
    dialect = engine.dialect

    def timed(execute: Callable[..., None], cursor: DBAPICursor, statement: str, *rest: Any) -> bool:
        context: ExecutionContext = rest[-1]
        lease = _lease_of(context.root_connection.connection)
        if not lease.out:  # the dialect's own questions to a new connection belong to connecting
            return False
        lease.release_began_ns = 0  # a rollback before was not the end
        began_ns = perf_counter_ns()
        try:
            execute(cursor, statement, *rest)
        finally:
            duration_ns = perf_counter_ns() - began_ns
            gauges.add("statements")
            timings = current_request.get()
            if timings is not None:
                timings.query_ns += duration_ns
            if duration_ns > slow_query_ns:
                slow_query_logger.warning("%.1f ms: %s", duration_ns / 1e6, " ".join(statement.split()))
        return True

    def on_execute(cursor: DBAPICursor, statement: str, parameters: Any, context: ExecutionContext) -> bool:
        return timed(dialect.do_execute, cursor, statement, parameters, context)

    def on_executemany(cursor: DBAPICursor, statement: str, parameters: Any, context: ExecutionContext) -> bool:
        return timed(dialect.do_executemany, cursor, statement, parameters, context)

    def on_execute_no_params(cursor: DBAPICursor, statement: str, context: ExecutionContext) -> bool:
        return timed(dialect.do_execute_no_params, cursor, statement, context)

    event.listen(engine, "do_execute", on_execute)
    event.listen(engine, "do_executemany", on_executemany)
    event.listen(engine, "do_execute_no_params", on_execute_no_params)
