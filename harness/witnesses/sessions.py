"""PostgreSQL's sessions of the trial's database before the load and after it: did every one come home?"""

from __future__ import annotations

import time

import psycopg2

from harness.environment.parts import PRIMARY
from harness.load.messages import LoadAccount
from harness.records import DatabaseReading, PoolReading, TrialRecord
from harness.sampling.gauges import DatabaseGauge, UnreadableError
from harness.scene import Witness
from harness.witnesses.pool import SETTLE_S, settled_pool


class SessionsWitness(Witness):
    """Counts them past the proxy. After the load it waits until none is at work, and their number stays; then the
    pool is read once more, since what was asked after the drain may have had it open further connections.
    """

    _before: DatabaseReading | None = None
    _at_end: DatabaseReading | None = None
    _pool: PoolReading | None = None

    def before(self) -> None:
        self._before = self._read(within_s=0.0)

    def after(self, account: LoadAccount) -> None:  # noqa: ARG002
        found = self._read(within_s=SETTLE_S)
        self._at_end = found and found.model_copy(update={"t_ns": self.scene.journal.now_ns()})
        self._pool = settled_pool(self.scene)

    def tell(self, record: TrialRecord) -> TrialRecord:
        return record.model_copy(
            update={
                "sessions_before": self._before,
                "sessions_at_end": self._at_end,
                "pool_beside_sessions": self._pool,
            }
        )

    def _read(self, within_s: float) -> DatabaseReading | None:
        """The sessions at rest, or as they are when patience ends; None where they cannot be counted."""
        deadline_s = time.monotonic() + within_s
        database = self.scene.database
        try:
            gauge = DatabaseGauge(PRIMARY, database.admin_url, database.name)
        except psycopg2.Error:
            return None
        try:
            found, last = gauge.read(), None
            while not (found.by_state == last and found.total == found.idle) and time.monotonic() < deadline_s:
                time.sleep(0.05)
                found, last = gauge.read(), found.by_state
        except UnreadableError:
            return None
        finally:
            gauge.close()
        return found
