"""A table, or some rows of it, that others have to wait for."""

from __future__ import annotations

from contextlib import closing, suppress
from typing import Literal, Self

import psycopg2
from psycopg2 import sql
from psycopg2.errors import LockNotAvailable
from psycopg2.extensions import connection, cursor
from pydantic import Field, model_validator

from harness.environment.locks import Waiter, first_rows, require_table, table_name
from harness.environment.parts import Sessions
from harness.errors import TrialFailedError
from harness.faults.base import Fault, FaultSettings, Proof

LOCKED_WITHIN_MS = 5000


class LockTableSettings(FaultSettings):
    """Of `table`, which may be spelt `schema.table`, all is locked; or the first `rows` by its primary key; or a
    transaction that has read it stays open, and an ALTER TABLE waits behind that (`convoy`).
    """

    table: str = Field(pattern=r"^[^.\x00]{1,63}(\.[^.\x00]{1,63})?$")
    mode: Literal["table", "rows", "convoy"] = "table"
    rows: int = Field(default=1, ge=1, le=10_000)

    @model_validator(mode="after")
    def _rows_are_of_one_mode(self) -> Self:
        if self.mode != "rows" and "rows" in self.model_fields_set:
            raise ValueError('rows belongs to mode = "rows"')
        return self


class LockTable(Fault):
    """A transaction of ours keeps a lock, and the subject's wait: all that touch the table, or write those rows.

    In a convoy nobody forbids reading, and yet nobody reads: whoever comes stands behind the ALTER TABLE. What a
    session of ours would change is never kept.
    """

    kind = "lock-table"
    teaches = "everyone waits for one table or row, and the pool fills up behind them"
    needs = Sessions
    Settings = LockTableSettings
    settings: LockTableSettings

    _holder: connection | None = None
    _waiter: Waiter | None = None

    def inject(self, part: Sessions) -> None:
        self._holder = part.open_session()
        with self._holder.cursor() as cursor:
            cursor.execute(f"BEGIN; SET LOCAL lock_timeout = {LOCKED_WITHIN_MS}")
            require_table(cursor, self.settings.table)
            try:
                cursor.execute(self._holding(cursor))
            except LockNotAvailable as error:
                raise TrialFailedError(
                    f"table {self.settings.table!r} was not to be locked within {LOCKED_WITHIN_MS / 1000:g} s; "
                    "see whose transaction keeps it that long"
                ) from error
            if self.settings.mode == "convoy":
                alter = sql.SQL("ALTER TABLE {} ADD COLUMN poolstorm_never integer").format(self._table)
                self._waiter = Waiter(part.open_session(patient=True), alter)
                self._waiter.stand_behind(cursor)

    def heal(self, part: Sessions) -> None:  # noqa: ARG002
        """A session that was ended meanwhile keeps no lock."""
        if self._holder is None:
            return
        with suppress(psycopg2.Error), closing(self._holder), self._holder.cursor() as cursor:
            if self._waiter is not None:
                self._waiter.leave(cursor)
            cursor.execute("COMMIT")

    def prove(self, part: Sessions, patience_s: float) -> Proof:
        return self._look(part, patience_s, waits=True)

    def prove_healed(self, part: Sessions, patience_s: float) -> Proof:
        return self._look(part, patience_s, waits=False)

    def _look(self, part: Sessions, patience_s: float, *, waits: bool) -> Proof:
        """Whether another session waits, as long as patience lasts, for what the fault keeps from it."""
        try:
            with closing(part.open_session()) as session, session.cursor() as cursor:
                cursor.execute(f"BEGIN; SET LOCAL lock_timeout = {max(1, round(patience_s * 1000))}")
                cursor.execute(self._kept_from_others(cursor))
                cursor.execute("COMMIT")
        except LockNotAvailable:
            return Proof(waits, f"another session waits for {patience_s:g} s and more")
        except psycopg2.Error as error:
            return Proof(False, f"no answer: {type(error).__name__}")
        return Proof(not waits, "another session waits for nothing")

    def _holding(self, cursor: cursor) -> sql.Composable:
        if self.settings.mode == "table":
            return sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(self._table)
        return self._kept_from_others(cursor)

    def _kept_from_others(self, cursor: cursor) -> sql.Composable:
        if self.settings.mode == "rows":
            return first_rows(cursor, self.settings.table, self.settings.rows)
        return sql.SQL("SELECT 1 FROM {} LIMIT 1").format(self._table)

    @property
    def _table(self) -> sql.Identifier:
        return table_name(self.settings.table)

    def describe(self) -> str:
        table, rows = self.settings.table, self.settings.rows
        if self.settings.mode == "rows":
            return f"{rows} row{'s' if rows > 1 else ''} of {table} locked"
        return (
            f"{table} locked" if self.settings.mode == "table" else f"an ALTER TABLE waits for a reader of {table}"
        )
