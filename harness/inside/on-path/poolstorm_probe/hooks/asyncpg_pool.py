"""asyncpg's own pool. Its query loggers (0.29 and later) tell of statements, with their text and time."""

from __future__ import annotations

from functools import wraps
from types import ModuleType
from typing import Any

from poolstorm_probe.counts import COUNTS, Pool, now_ns
from poolstorm_probe.hooks.asyncio_loops import watch_running_loop
from poolstorm_probe.hooks.requests import asked_for_connection
from poolstorm_probe.hooks.wrapping import wrap

_CONTROL = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "DECLARE", "CLOSE")
"""What asyncpg sends of its own accord for a transaction is no statement of the app's."""
_RESET = "SELECT pg_advisory_unlock_all()"


def listen(pool: ModuleType) -> None:
    """`asyncpg.pool` has been imported."""
    releasing, letting_go = _returning()
    holder = pool.PoolConnectionHolder
    if not callable(getattr(holder, "release", None)) or not callable(getattr(holder, "_release", None)):
        raise TypeError("another version")
    wrap(pool.Pool, _acquire=_acquiring, _get_new_connection=_connecting)
    wrap(holder, release=releasing, _release=letting_go)
    COUNTS.listening_to("asyncpg")


def _counts_of(pool: Any) -> Pool:
    return COUNTS.pool(pool, int(pool._minsize), int(pool._maxsize))


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
