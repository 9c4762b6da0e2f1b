"""Sessions ended by the server, once."""

from __future__ import annotations

import time
from contextlib import closing

import psycopg2
from psycopg2.extensions import connection

from harness.environment.parts import Terminable
from harness.faults.base import Fault, FaultSettings, Proof

LOOK_EVERY_S = 0.01


class TerminateSessionsSettings(FaultSettings):
    """Whether only those are ended that do nothing: neither a statement nor a transaction is under way."""

    idle_only: bool = False


class TerminateSessions(Fault):
    """Ends the trial's sessions that there are at that moment, as an administrator or an idle time-out would.

    It is proved by a session of ours that is ended with them. So it is proved, too, where the subject has none.
    """

    kind = "terminate-sessions"
    teaches = "what the pool holds is dead, and new connections are fine"
    needs = Terminable
    momentary = True
    Settings = TerminateSessionsSettings
    settings: TerminateSessionsSettings

    _ours: connection | None = None
    _ended = 0

    def inject(self, part: Terminable) -> None:
        self._ours = part.outside_session()
        told = part.terminate(idle_only=self.settings.idle_only, ours=self._ours.info.backend_pid)
        self._ended = max(0, told - 1)

    def heal(self, part: Terminable) -> None:
        """Nothing: new sessions are as good as ever."""

    def prove(self, part: Terminable, patience_s: float) -> Proof:  # noqa: ARG002
        """Our own session is told its end, which does not wait for the signal to arrive."""
        if self._ours is None:
            return Proof(False, "no session was ended")
        deadline_s = time.monotonic() + patience_s
        while (alive := self._lives(self._ours)) and time.monotonic() < deadline_s:
            time.sleep(LOOK_EVERY_S)
        end = "is still there" if alive else "too"
        return Proof(not alive, f"{self._ended} sessions ended, and ours {end}")

    def prove_healed(self, part: Terminable, patience_s: float) -> Proof:  # noqa: ARG002
        try:
            with closing(part.outside_session()) as session:
                lives = self._lives(session)
        except psycopg2.Error as error:
            return Proof(False, f"no new session: {type(error).__name__}")
        return Proof(lives, f"a new session {'lives' if lives else 'is ended, too'}")

    @staticmethod
    def _lives(session: connection) -> bool:
        try:
            with session.cursor() as cursor:
                cursor.execute("SELECT 1")
        except psycopg2.Error:
            return False
        return True

    def describe(self) -> str:
        return f"{'idle' if self.settings.idle_only else 'all'} sessions ended"
