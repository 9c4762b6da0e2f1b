"""What PostgreSQL counted in the trial's database: sessions and how they ended, deadlocks, transactions, times."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Protocol

from harness.environment.own_traffic import OwnTraffic
from harness.environment.totals import Totals
from harness.errors import EnvironmentSetupError
from harness.load.messages import LoadAccount
from harness.records import DatabaseTotals, TrialRecord
from harness.scene import Witness
from harness.witnesses.pool import SETTLE_S

_ENDS = ("sessions_abandoned", "sessions_fatal", "sessions_killed")
"""Taken while the subject lives: one that ends without closing its pool abandons all of it, which says nothing."""
_TIMES = {
    "active_time_ms": "active_time",
    "idle_in_transaction_time_ms": "idle_in_transaction_time",
    "session_time_ms": "session_time",
}


class Counted(Protocol):
    """A database of which PostgreSQL counts something."""

    def totals(self) -> Totals | None: ...


class TotalsWitness(Witness):
    """Read after the subject's end, since sessions of PostgreSQL report at the latest when they end."""

    _alive: Totals | None = None
    _at_end: Totals | None = None

    def after(self, account: LoadAccount) -> None:  # noqa: ARG002
        self._alive = _asked(self.scene.database)

    def ended(self) -> None:
        self._at_end = settled_totals(self.scene.database)

    def tell(self, record: TrialRecord) -> TrialRecord:
        before, alive, at_end = self.scene.counted_before, self._alive, self._at_end
        if before is None or alive is None or at_end is None:
            return record
        totals = grown(before, alive, at_end, self.scene.own)
        return record.model_copy(update={"database_totals": totals})


def grown(before: Totals, alive: Totals, at_end: Totals, own: OwnTraffic) -> DatabaseTotals | None:
    """Without what the harness did itself; None where the counters were begun anew, as after a crash."""
    if not (alive.follows(before) and at_end.follows(alive)):
        return None
    sessions = at_end.since(before, "sessions")
    ends: Mapping[str, float | None] = {name: alive.since(before, name) for name in _ENDS}
    times_ms: Mapping[str, float | None] = {field: at_end.since(before, name) for field, name in _TIMES.items()}
    return DatabaseTotals.model_validate(
        {
            "sessions": None if sessions is None else max(0, sessions - own.sessions),
            **ends,
            "deadlocks": at_end.since(before, "deadlocks"),
            "commits": max(0, (at_end.since(before, "xact_commit") or 0) - own.transactions),
            "rollbacks": at_end.since(before, "xact_rollback"),
            **{field: None if spent is None else round(spent, 3) for field, spent in times_ms.items()},
            "sessions_open": at_end.open_sessions,
            "own_ms": round(own.open_ms, 3),
        }
    )


def settled_totals(database: Counted, within_s: float = SETTLE_S) -> Totals | None:
    """Once no session is left, or as they stand when patience ends; None where the server does not tell."""
    deadline_s = time.monotonic() + within_s
    while (found := _asked(database)) is not None and found.open_sessions and time.monotonic() < deadline_s:
        time.sleep(0.02)
    return found


def _asked(database: Counted) -> Totals | None:
    try:
        return database.totals()
    except EnvironmentSetupError:
        return None
