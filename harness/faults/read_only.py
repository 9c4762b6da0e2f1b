"""A server that refuses what writes, as one that is no longer the primary."""

from __future__ import annotations

import time
from contextlib import closing

import psycopg2
from psycopg2.errors import ReadOnlySqlTransaction
from psycopg2.extensions import connection

from harness.environment.parts import Demotable
from harness.errors import TrialFailedError
from harness.faults.base import Fault, Proof

CONFIRMED_WITHIN_S = 5.0
LOOK_EVERY_S = 0.01


class ReadOnly(Fault):
    """Every transaction becomes read-only, in sessions that there are as well: writes fail with SQLSTATE 25006.

    Connections stay open and reads go on, so that neither a pre-ping nor a health check sees anything. A session
    that asks for a transaction that writes (`BEGIN READ WRITE`) still gets one, which on a standby it would not.
    """

    kind = "read-only"
    teaches = "writes fail as after a failover, on connections that seem well; who lets go of them?"
    needs = Demotable

    def inject(self, part: Demotable) -> None:
        with closing(part.outside_session()) as earlier:
            part.demote()
            deadline_s = time.monotonic() + CONFIRMED_WITHIN_S
            while self._writes(earlier):
                if time.monotonic() > deadline_s:
                    raise TrialFailedError("a session that was there before still writes; run it again")
                time.sleep(LOOK_EVERY_S)

    def heal(self, part: Demotable) -> None:
        part.promote()

    def prove(self, part: Demotable, patience_s: float) -> Proof:  # noqa: ARG002
        return self._look(part, shown_by="a write is refused as read-only")

    def prove_healed(self, part: Demotable, patience_s: float) -> Proof:  # noqa: ARG002
        return self._look(part, shown_by="a write is taken")

    def _look(self, part: Demotable, shown_by: str) -> Proof:
        try:
            with closing(part.outside_session()) as session:
                seen = f"a write is {'taken' if self._writes(session) else 'refused as read-only'}"
        except psycopg2.Error as error:
            seen = f"no answer to a write: {type(error).__name__}"
        return Proof(seen == shown_by, seen)

    @staticmethod
    def _writes(session: connection) -> bool:
        """Whether a table could be made; it never is."""
        with session.cursor() as cursor:
            cursor.execute("BEGIN")
            try:
                cursor.execute("CREATE TEMPORARY TABLE poolstorm_probe ()")
            except ReadOnlySqlTransaction:
                return False
            finally:
                cursor.execute("ROLLBACK")
        return True

    def describe(self) -> str:
        return "read-only"
