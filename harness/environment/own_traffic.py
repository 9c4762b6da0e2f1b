"""What the harness itself does in a trial's database."""

from __future__ import annotations

import time
from dataclasses import dataclass

from psycopg2.extensions import connection

from harness.environment.waits import PatientSession


@dataclass
class OwnTraffic:
    """What the harness itself did to the trial's database, to be taken off its counters."""

    transactions: int = 0
    sessions: int = 0  # that have ended
    open_ms: float = 0.0  # they took, from before they were asked for

    def count(self) -> None:
        """One more transaction."""
        self.transactions += 1

    def session_ended(self, since_s: float) -> None:
        """One more session, which was asked for at that time of the monotonic clock.

        PostgreSQL counts what it looks up when a session begins as a transaction of it.
        """
        self.sessions += 1
        self.transactions += 1
        self.open_ms += (time.monotonic() - since_s) * 1000


class CountedSession(connection):
    """A session of ours in a trial's database which tells of its end."""

    _own: OwnTraffic | None = None
    _since_s = 0.0

    def tell(self, own: OwnTraffic, since_s: float) -> None:
        """Whom to tell, and when the session was asked for."""
        self._own, self._since_s = own, since_s

    def close(self) -> None:
        if self._own is not None:
            self._own.session_ended(self._since_s)
            self._own = None
        super().close()


class PatientCountedSession(CountedSession, PatientSession):
    """The same, whose statements may wait for long."""
