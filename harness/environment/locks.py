"""Tables of a trial's database that are locked on purpose: which rows, and an ALTER TABLE that waits its turn."""

from __future__ import annotations

import threading
import time
from contextlib import suppress

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection, cursor

from harness.environment.waits import PatientSession
from harness.errors import TrialFailedError, shown

IN_LINE_WITHIN_S = 5.0
_EVERY_S = 0.01
_PRIMARY_KEY = """
    SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey)
    WHERE i.indrelid = %s::regclass AND i.indisprimary ORDER BY array_position(i.indkey::int2[], a.attnum)
"""
_TABLES = """
    SELECT schemaname || '.' || relname FROM pg_stat_user_tables ORDER BY schemaname <> 'public', 1
"""
_MOST_NAMED = 8


def table_name(name: str) -> sql.Identifier:
    """`table` or `schema.table` as SQL."""
    return sql.Identifier(*name.split("."))


def require_table(session: cursor, name: str) -> None:
    """Raises TrialFailedError where there is no such table, with those that there are."""
    session.execute("SELECT to_regclass(%s)", (table_name(name).as_string(session),))
    if session.fetchone() != (None,):
        return
    session.execute(_TABLES)
    found = [str(row[0]).removeprefix("public.") for row in session.fetchall()]
    named = ", ".join(found[:_MOST_NAMED]) + (", ..." if len(found) > _MOST_NAMED else "")
    raise TrialFailedError(f"the trial's database has no table {shown(name)}; it has {named or 'none'}")


def first_rows(session: cursor, name: str, count: int) -> sql.Composable:
    """The statement that locks the first rows of a table in the order of its primary key, or as they lie."""
    session.execute(_PRIMARY_KEY, (table_name(name).as_string(session),))
    order = [sql.Identifier(column) for (column,) in session.fetchall()] or [sql.Identifier("ctid")]
    return sql.SQL("SELECT 1 FROM {} ORDER BY {} LIMIT {} FOR UPDATE").format(
        table_name(name), sql.SQL(", ").join(order), sql.Literal(count)
    )


class Waiter:
    """A statement in a session and a thread of its own, which waits behind a lock; what it does is never kept."""

    def __init__(self, session: connection, statement: sql.Composable) -> None:
        """The session is a `PatientSession`."""
        assert isinstance(session, PatientSession)
        self._session = session
        self._statement = statement
        self._pid = session.info.backend_pid
        self._thread = threading.Thread(target=self._wait, name="waiter", daemon=True)

    def stand_behind(self, holder: cursor) -> None:
        """Returns when it waits. Raises TrialFailedError where it does not."""
        self._thread.start()
        deadline_s = time.monotonic() + IN_LINE_WITHIN_S
        while self._thread.is_alive() and time.monotonic() < deadline_s:
            holder.execute("SELECT count(*) FROM pg_locks WHERE pid = %s AND NOT granted", (self._pid,))
            if holder.fetchone() != (0,):
                return
            time.sleep(_EVERY_S)
        raise TrialFailedError(
            "an ALTER TABLE does not wait for the lock of another session; may the role alter it?"
        )

    def leave(self, holder: cursor) -> None:
        """Have it wait no longer, before the lock that it waits for is free."""
        holder.execute("SELECT pg_cancel_backend(%s)", (self._pid,))
        self._thread.join(IN_LINE_WITHIN_S)

    def _wait(self) -> None:
        with suppress(psycopg2.Error), self._session.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute(self._statement)
            cursor.execute("ROLLBACK")
        self._session.close()
