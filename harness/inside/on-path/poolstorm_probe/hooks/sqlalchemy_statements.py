"""What SQLAlchemy's dialects are asked for: statements, pings, the ends of transactions; and errors.

The dialect that each engine has of its own is wrapped, as the classes of drivers have their own versions.
SQLAlchemy's events for cursors are left alone: to listen to them costs more than all this.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from types import ModuleType
from typing import Any

from poolstorm_probe.counts import COUNTS, now_ns
from poolstorm_probe.hooks.wrapping import wrap
from poolstorm_probe.outs import OUTS, Checkout
from poolstorm_probe.serving import commit_begins, commit_failed

OUT = "_poolstorm_probe_out"
"""Where a place in a pool has its checkout."""
_OVERLAP = "isce"
"""SQLAlchemy's own code for a session that two use at once."""


def out_of(record: Any) -> Checkout | None:
    """The checkout of a place in a pool, while that is out; None as well of what is no such place."""
    try:
        return record.__dict__.get(OUT)  # type: ignore[no-any-return]
    except AttributeError:
        return None


def record_of(place: Any) -> Any:
    """The place in a pool of a connection that it hands out; None of any other, and of one that is detached."""
    return getattr(place, "_connection_record", None)


def listen_to_errors(exc: ModuleType) -> None:
    """Those that no call of a dialect raises: of sessions that two use at once, and while rows are fetched."""
    from sqlalchemy.engine import Connection

    wrap(exc.HasDescriptionCode, __init__=_coming_about)
    wrap(Connection, _handle_dbapi_exception=_handling)


def _coming_about(init: Any) -> Any:
    @wraps(init)
    def probed(self: Any, *words: Any, **options: Any) -> None:
        init(self, *words, **options)
        if options.get("code") == _OVERLAP:
            OUTS.failed(self, kind="overlap")

    return probed


def _handling(handle: Any) -> Any:
    @wraps(handle)
    def probed(self: Any, e: BaseException, *words: Any, **options: Any) -> Any:
        if _is_of_the_database(self, e):
            OUTS.failed(e)
        return handle(self, e, *words, **options)

    return probed


def _is_of_the_database(connection: Any, error: BaseException) -> bool:
    """And not of a statement that cannot be built."""
    try:
        return isinstance(error, (OSError, connection.dialect.loaded_dbapi.Error)) or not isinstance(
            error, Exception
        )
    except Exception:
        COUNTS.trouble()
        return False


def wrap_dialect(dialect: Any) -> None:
    """Of one engine."""
    if not hasattr(dialect, "do_execute"):  # a pool without an engine
        return
    ping, roll_back, commit, blocking = (
        dialect.do_ping,
        dialect.do_rollback,
        dialect.do_commit,
        not dialect.is_async,
    )

    def probed_ping(dbapi_connection: Any) -> Any:
        began_ns = now_ns()
        try:
            return ping(dbapi_connection)
        finally:
            COUNTS.pinged(began_ns)

    def probed_rollback(dbapi_connection: Any) -> Any:
        one = out_of(record_of(dbapi_connection))
        if one is None:  # the pool's own, of what is back already
            return roll_back(dbapi_connection)
        began_ns = now_ns()
        if not one.release_began_ns:  # a session's end rolls back before the pool resets
            one.release_began_ns = began_ns
        try:
            return roll_back(dbapi_connection)
        except BaseException as error:
            OUTS.pass_over(error)
            raise
        finally:
            one.busy_ns += now_ns() - began_ns

    def probed_commit(dbapi_connection: Any) -> Any:
        one = out_of(record_of(dbapi_connection))
        if one is None or _commits_by_itself(dbapi_connection):
            return commit(dbapi_connection)
        late, began_ns = commit_begins(), now_ns()
        try:
            return commit(dbapi_connection)
        except BaseException as error:
            commit_failed(late)
            OUTS.failed(error, one)
            raise
        finally:
            OUTS.over(one, began_ns, statement=False, blocking=blocking)

    dialect.do_ping, dialect.do_rollback, dialect.do_commit = probed_ping, probed_rollback, probed_commit
    for name, at in (("do_execute", 3), ("do_executemany", 3), ("do_execute_no_params", 2)):
        setattr(dialect, name, _timed(getattr(dialect, name), at, blocking))


def _commits_by_itself(place: Any) -> bool:
    """There no COMMIT is sent."""
    return getattr(getattr(place, "dbapi_connection", None), "autocommit", False) is True


def _timed(execute: Callable[..., Any], context_at: int, blocking: bool) -> Callable[..., Any]:
    """Around an execution of a cursor, whose context comes by name or at that place."""

    def probed(*words: Any, **options: Any) -> Any:
        context = words[context_at] if len(words) > context_at else options.get("context")
        try:
            one = context.root_connection._dbapi_connection._connection_record.__dict__.get(OUT)  # type: ignore[union-attr]
        except AttributeError:
            one = None
        if one is None:  # the dialect's own question to a new connection
            return execute(*words, **options)
        one.release_began_ns = 0  # a rollback before was not the end
        began_ns = now_ns()
        try:
            return execute(*words, **options)
        except BaseException as error:
            OUTS.failed(error, one)
            raise
        finally:
            OUTS.over(one, began_ns, blocking=blocking)

    return probed
