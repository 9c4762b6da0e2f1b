"""What is executed on connections of asyncpg's own pool; and its questions for types, on any connection.

Statements are timed by what asyncpg (0.29 and later) has for its query loggers, as soon as a connection has one.
That leaves out what prepared statements, cursors and COPY execute: there the calls are wrapped.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import wraps
from types import ModuleType
from typing import Any

from poolstorm_probe.counts import COUNTS
from poolstorm_probe.hooks.statements import Control, Statement
from poolstorm_probe.hooks.wrapping import around_async, wrap
from poolstorm_probe.outs import OUTS

_COMMIT, _ROLLBACK, _OTHERS = "COMMIT", "ROLLBACK", ("BEGIN", "SAVEPOINT", "RELEASE")
"""What asyncpg sends of its own accord for a transaction is no statement of the app's."""
_OVERLAP = "another operation is in progress"
_RESET = "SELECT pg_advisory_unlock_all()"


def listen(module: ModuleType) -> None:
    """`asyncpg.connection` has been imported."""
    wrap(
        module.Connection,
        _copy_out=around_async(_executing),
        _copy_in=around_async(_executing),
        copy_records_to_table=around_async(_executing),
    )
    wrap(module.Connection, _introspect_types=_asking_for_types, _introspect_type=_asking_for_type)
    wrap(module.Connection, _time_and_log=_timing)


def listen_to_prepared(module: ModuleType) -> None:
    """`asyncpg.prepared_stmt` has been imported."""
    wrap(module.PreparedStatement, _PreparedStatement__do_execute=around_async(_executing))


def listen_to_cursors(module: ModuleType) -> None:
    """`asyncpg.cursor` has been imported. Further rows of the same cursor are no further statement."""
    wrap(module.BaseCursor, _bind=around_async(_executing), _bind_exec=around_async(_executing))


def listen_to_errors(module: ModuleType) -> None:
    """`asyncpg.exceptions._base` has been imported. Two at once are refused before either is timed."""
    wrap(module.InterfaceError, __init__=_coming_about)


def _coming_about(init: Any) -> Any:
    @wraps(init)
    def probed(self: Any, msg: Any, *words: Any, **options: Any) -> None:
        init(self, msg, *words, **options)
        if _OVERLAP in str(msg):
            OUTS.failed(self, kind="overlap")

    return probed


def let_it_time(connection: Any) -> None:
    """It times what it executes only for who listens."""
    connection.add_query_logger(_listener)


def _listener(_: Any) -> None:
    pass


def _key_of(connection: Any) -> int | None:
    """Under which it is out, where its pool is asyncpg's."""
    proxy = getattr(connection, "_proxy", None)
    return None if proxy is None else id(getattr(proxy, "_holder", proxy))


def _executing(user: Any, *_: Any, **__: Any) -> AbstractContextManager[None]:
    """By a connection, or something that was made of it."""
    return Statement(_key_of(getattr(user, "_connection", user)))


def _timing(time_and_log: Any) -> Any:
    @wraps(time_and_log)
    def probed(self: Any, query: Any, *words: Any, **options: Any) -> Any:
        try:
            key = _key_of(self)
            if key is not None:
                ours = _what(key, query)
                if len(self._query_loggers) == 1:  # which nobody else has asked for
                    return ours
                return _Within(ours, time_and_log(self, query, *words, **options))
        except Exception:
            COUNTS.trouble()
        return time_and_log(self, query, *words, **options)

    return probed


def _what(key: int, query: str) -> AbstractContextManager[None]:
    if query.startswith(_COMMIT):
        return Control(key, commit=True)
    if query.startswith(_ROLLBACK):
        return Control(key, passes_over=True)
    if query.startswith(_OTHERS):
        return Control(key)
    if query.lstrip().startswith(_RESET):
        COUNTS.add("RESETS")
        return Control(key)
    return Statement(key)


class _Within:
    """The inner one within the outer; neither of them swallows an error."""

    __slots__ = ("_inner", "_outer")

    def __init__(self, outer: AbstractContextManager[None], inner: AbstractContextManager[Any]) -> None:
        self._outer, self._inner = outer, inner

    def __enter__(self) -> Any:
        self._outer.__enter__()
        return self._inner.__enter__()

    def __exit__(self, *raised: Any) -> bool | None:
        try:
            return self._inner.__exit__(*raised)
        finally:
            self._outer.__exit__(*raised)


def _asking_for_types(ask: Any) -> Any:
    @wraps(ask)
    async def probed(self: Any, *words: Any, **options: Any) -> Any:
        COUNTS.add("INTROSPECTIONS")
        return await ask(self, *words, **options)

    return probed


def _asking_for_type(ask: Any) -> Any:
    """By its name; those that are PostgreSQL's own are known without being asked for, but for arrays."""

    @wraps(ask)
    async def probed(self: Any, typename: Any, schema: Any, *words: Any, **options: Any) -> Any:
        if schema != "pg_catalog" or str(typename).endswith("[]"):
            COUNTS.add("INTROSPECTIONS")
        return await ask(self, typename, schema, *words, **options)

    return probed
