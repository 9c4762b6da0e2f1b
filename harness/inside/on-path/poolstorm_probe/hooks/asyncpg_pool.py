"""asyncpg's own pool. Its query loggers (0.29 and later) tell of statements, with their text and time.

They do not hear of what prepared statements, cursors and COPY execute: there the calls are wrapped.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import wraps
from types import ModuleType
from typing import Any

from poolstorm_probe.counts import COUNTS, Pool, now_ns
from poolstorm_probe.hooks.asyncio_loops import watch_running_loop
from poolstorm_probe.hooks.requests import asked_for_connection
from poolstorm_probe.hooks.statements import statement
from poolstorm_probe.hooks.wrapping import around, around_async, wrap

_CONTROL = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE")
"""What asyncpg sends of its own accord for a transaction is no statement of the app's."""
_RESET = "SELECT pg_advisory_unlock_all()"


def listen(pool: ModuleType) -> None:
    """`asyncpg.pool` has been imported."""
    releasing, letting_go = _returning()
    holder = pool.PoolConnectionHolder
    if not callable(getattr(holder, "release", None)) or not callable(getattr(holder, "_release", None)):
        raise TypeError("another version")
    wrap(
        pool.Pool,
        _acquire=_acquiring,
        _get_new_connection=_connecting,
        close=around_async(_ending),
        terminate=around(_ending),
    )
    wrap(holder, release=releasing, _release=letting_go)
    COUNTS.listening_to("asyncpg")


def listen_to_prepared(module: ModuleType) -> None:
    """`asyncpg.prepared_stmt` has been imported."""
    wrap(module.PreparedStatement, _PreparedStatement__do_execute=around_async(_executing))


def listen_to_cursors(module: ModuleType) -> None:
    """`asyncpg.cursor` has been imported. Further rows of the same cursor are no further statement."""
    wrap(module.BaseCursor, _bind=around_async(_executing), _bind_exec=around_async(_executing))


def listen_to_copies(module: ModuleType) -> None:
    """`asyncpg.connection` has been imported."""
    wrap(
        module.Connection,
        _copy_out=around_async(_executing),
        _copy_in=around_async(_executing),
        copy_records_to_table=around_async(_executing),
    )


def _counts_of(pool: Any) -> Pool:
    """The pool itself cannot be referred to weakly; its queue is its own."""
    return COUNTS.pool(pool, int(pool._minsize), int(pool._maxsize), lives_with=pool._queue)


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
        _begin(self)
        began_ns = now_ns()
        try:
            proxy = await acquire(self, timeout)
        except TimeoutError:
            COUNTS.add("TIMED_OUT")
            raise
        except Exception as error:
            if type(error).__name__ == "TimeoutError":  # asyncio's, before Python 3.11
                COUNTS.add("TIMED_OUT")
            raise
        finally:
            COUNTS.waits(-1)
            COUNTS.took("acquire", began_ns)
        COUNTS.went_out(id(getattr(proxy, "_holder", proxy)))
        return proxy

    return probed


def _begin(pool: Any) -> None:
    try:
        watch_running_loop()
        if pool._initialized:
            _counts_of(pool)
    except Exception:
        COUNTS.trouble()
    asked_for_connection()
    COUNTS.waits()


def _returning() -> tuple[Any, Any]:
    """Wrappers of a holder's `release` and of `_release`, to which it comes however its connection ends."""
    began_at_ns: dict[int, int] = {}

    def releasing(release: Any) -> Any:
        @wraps(release)
        async def probed(self: Any, timeout: Any) -> Any:
            began_at_ns[id(self)] = now_ns()
            try:
                return await release(self, timeout)
            finally:
                began_at_ns.pop(id(self), None)

        return probed

    def letting_go(let_go: Any) -> Any:
        @wraps(let_go)
        def probed(self: Any) -> Any:
            since_ns = COUNTS.comes_back(id(self))
            try:
                return let_go(self)
            finally:
                COUNTS.came_back(since_ns, began_at_ns.get(id(self), 0))

        return probed

    return releasing, letting_go


def _connecting(connect: Any) -> Any:
    @wraps(connect)
    async def probed(self: Any) -> Any:
        began_ns = now_ns()
        try:
            connection = await connect(self)
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
        connection.add_query_logger(_executed)
    except Exception:
        COUNTS.trouble()


def _executed(record: Any) -> None:
    """`elapsed` is in seconds."""
    try:
        if record.query.startswith(_CONTROL) or record.query.lstrip().startswith(_RESET):
            return
        COUNTS.add("STATEMENTS")
        COUNTS.took("query", now_ns() - round(record.elapsed * 1e9))
    except Exception:
        COUNTS.trouble()


def _executing(user: Any, *_: Any, **__: Any) -> AbstractContextManager[None]:
    """By a connection, or something that was made of it, while that is out of a pool."""
    connection = getattr(user, "_connection", user)
    return statement(of_the_app=getattr(connection, "_proxy", None) is not None)
