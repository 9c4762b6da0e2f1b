"""Transactions that PostgreSQL counted in the trial's database, and the requests that they were for."""

from __future__ import annotations

import contextlib

import psycopg2
import psycopg2.extensions

from harness.environment.address import own_session
from harness.environment.parts import PRIMARY, Restartable
from harness.errors import TrialFailedError
from harness.faults import FAULTS
from harness.load.messages import LoadAccount
from harness.records import TrialRecord
from harness.scene import Witness
from harness.witnesses.pool import settled_pool
from scenarios.model import Scenario

_CRASHED = (
    "PostgreSQL lost its sessions during the trial, and with a crash what it had counted: "
    "the number of transactions is not known"
)


class TransactionsWitness(Witness):
    """Counted after the subject's end, since PostgreSQL's sessions report theirs at the latest when they end.

    A session of its own tells whether the server lived through the trial: when a backend is killed, PostgreSQL
    ends all the others and forgets its counters.
    """

    _session: psycopg2.extensions.connection | None = None
    _served: int | None = None
    _transactions: int | None = None
    _transactions_before = 0
    _note = ""

    def before(self) -> None:
        with contextlib.suppress(psycopg2.Error):
            self._session = own_session(self.scene.database.admin_url)
        if not self.scene.subject.launch.is_ours:
            self._transactions_before = self.scene.database.transactions()

    def after(self, account: LoadAccount) -> None:  # noqa: ARG002
        pool = settled_pool(self.scene)
        self._served = pool.requests_total if pool else None

    def ended(self) -> None:
        if self._server_lived():
            self._transactions = max(0, self.scene.database.transactions() - self.scene.own.transactions)
            self._require_some()
        else:
            self._note = _CRASHED

    def _require_some(self) -> None:
        """An app that ignores what it is told has no session in the trial's database, and commits nothing there;
        ours are known to use it.
        """
        if not self.scene.subject.launch.is_ours and (self._transactions or 0) <= self._transactions_before:
            raise TrialFailedError(
                "the app did nothing in the database that it was given; see whether it reads the variable or "
                "option in which {database_url} stands, and whether what was read of it asks the database"
            )

    def tell(self, record: TrialRecord) -> TrialRecord:
        notes = (*record.notes, *self.scene.notes, *filter(None, (self._note,)))
        return record.model_copy(
            update={"transactions": self._transactions, "requests_served": self._served, "notes": notes}
        )

    def close(self) -> None:
        if self._session is not None:
            with contextlib.suppress(psycopg2.Error):
                self._session.close()

    def _server_lived(self) -> bool:
        """A server that is stopped as planned keeps its counters."""
        if self._session is None:
            return False
        if _is_restarted(self.scene.setup.scenario):
            return True
        try:
            with self._session.cursor() as cursor:
                cursor.execute("SELECT 1")
        except psycopg2.Error:
            return False
        return True


def _is_restarted(scenario: Scenario) -> bool:
    """Whether the plan itself stops the primary."""
    faults = [fault for phase in scenario.phases for fault in phase.faults]
    return any(fault.part == PRIMARY and FAULTS[fault.kind].needs is Restartable for fault in faults)
