"""What is executed on connections that are out of psycopg_pool's pools; SQLAlchemy's own are counted elsewhere."""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager, nullcontext
from functools import wraps
from itertools import islice
from types import ModuleType
from typing import Any

from poolstorm_probe.counts import COUNTS
from poolstorm_probe.hooks.statements import Control, Statement
from poolstorm_probe.hooks.wrapping import around, around_async, wrap

CHECKED: set[int] = set()
"""Connections that their pool is trying out, by their address."""
_NO_ROW = object()


def listen_to_cursors(module: ModuleType) -> None:
    """`psycopg.cursor` has been imported."""
    wrap(
        module.Cursor,
        execute=around(_executing),
        executemany=around(_executing),
        stream=_streaming,
        copy=_copying,
    )


def listen_to_async_cursors(module: ModuleType) -> None:
    """`psycopg.cursor_async` has been imported."""
    wrap(
        module.AsyncCursor,
        execute=around_async(_executing_in_loop),
        executemany=around_async(_executing_in_loop),
        stream=_streaming_in_loop,
        copy=_copying_in_loop,
    )


def listen_to_server_cursors(module: ModuleType) -> None:
    """The module with one kind of cursors that are the server's, or with both, has been imported."""
    if hasattr(module, "ServerCursor"):
        wrap(module.ServerCursor, execute=around(_executing))
    if hasattr(module, "AsyncServerCursor"):
        wrap(module.AsyncServerCursor, execute=around_async(_executing_in_loop))


def listen_to_connections(module: ModuleType) -> None:
    """The module with what is common to connections of both kinds has been imported."""
    wrap(module.BaseConnection, _commit_gen=_committing(_in_transaction), _rollback_gen=_rolling_back)


def listen_to_transactions(module: ModuleType) -> None:
    """`psycopg.transaction` has been imported."""
    wrap(module.BaseTransaction, _commit_gen=_committing(_is_outermost))


def _key_of(connection: Any) -> int | None:
    return None if connection is None or id(connection) in CHECKED else id(connection)


def _executing(cursor: Any, *_: Any, **__: Any) -> AbstractContextManager[None]:
    return Statement(_key_of(getattr(cursor, "_conn", None)), blocking=True)


def _executing_in_loop(cursor: Any, *_: Any, **__: Any) -> AbstractContextManager[None]:
    return Statement(_key_of(getattr(cursor, "_conn", None)))


def _streaming(stream: Any) -> Any:
    """Until the first row is there: what the app does with its rows takes its own time."""

    @wraps(stream)
    def probed(self: Any, *words: Any, **options: Any) -> Iterator[Any]:
        rows = stream(self, *words, **options)
        try:
            with _executing(self):
                first = list(islice(rows, 1))
            yield from first
            yield from rows
        finally:
            rows.close()

    return probed


def _streaming_in_loop(stream: Any) -> Any:
    @wraps(stream)
    async def probed(self: Any, *words: Any, **options: Any) -> AsyncIterator[Any]:
        rows = stream(self, *words, **options)
        try:
            with _executing_in_loop(self):
                first = await anext(rows, _NO_ROW)
            if first is not _NO_ROW:
                yield first
                async for row in rows:
                    yield row
        finally:
            await rows.aclose()

    return probed


def _copying(copy: Any) -> Any:
    """From its beginning to its end: the server is at it all the while."""

    @wraps(copy)
    @contextmanager
    def probed(self: Any, *words: Any, **options: Any) -> Iterator[Any]:
        with _executing(self), copy(self, *words, **options) as copied:
            yield copied

    return probed


def _copying_in_loop(copy: Any) -> Any:
    @wraps(copy)
    @asynccontextmanager
    async def probed(self: Any, *words: Any, **options: Any) -> AsyncIterator[Any]:
        with _executing_in_loop(self):
            async with copy(self, *words, **options) as copied:
                yield copied

    return probed


# --- the ends of transactions, which are generators that either kind of connection goes through --------------


def _in_transaction(connection: Any) -> Any:
    """The connection, where there is anything to end."""
    return connection if int(connection.pgconn.transaction_status) else None


def _is_outermost(transaction: Any) -> Any:
    return transaction._conn if transaction._outer_transaction else None


def _committing(connection_of: Any) -> Any:
    def committing(commit: Any) -> Any:
        @wraps(commit)
        def probed(self: Any) -> Generator[Any, Any, Any]:
            with _control(connection_of, self, commit=True):
                return (yield from commit(self))

        return probed

    return committing


def _rolling_back(roll_back: Any) -> Any:
    @wraps(roll_back)
    def probed(self: Any) -> Generator[Any, Any, Any]:
        with _control(_in_transaction, self, passes_over=True):
            return (yield from roll_back(self))

    return probed


def _control(connection_of: Any, owner: Any, **how: bool) -> AbstractContextManager[None]:
    try:
        connection = connection_of(owner)
        key = _key_of(connection)
        if key is not None:
            return Control(key, blocking=not hasattr(type(connection), "__aexit__"), **how)
    except Exception:
        COUNTS.trouble()
    return nullcontext()
