"""Sessions of ours that do nothing but take a server's room for connections."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

import psycopg2
from psycopg2.extensions import connection

from harness.environment.limits import limit_met

MOST_SESSIONS = 1000
"""More than a server of ours takes."""
GONE_WITHIN_S = 5.0
_EVERY_S = 0.01


class Filling:
    """All that could be had, held until they are let go of. They end with this process, however it ends."""

    def __init__(self, open_session: Callable[[], connection]) -> None:
        self._open_session = open_session
        self._held: list[connection] = []

    def fill(self, leave: int) -> int:
        """Take every connection that is free but for `leave`; how many are held. Raises psycopg2.Error."""
        try:
            while len(self._held) < MOST_SESSIONS:
                self._held.append(self._open_session())
        except psycopg2.OperationalError as error:
            if limit_met(str(error)) is None:
                raise
        for _ in range(min(leave, len(self._held))):
            self._held.pop().close()
        return len(self._held)

    def empty(self) -> None:
        """Let go of all, and wait until the server has their room again. One that was restarted has it already."""
        with suppress(psycopg2.Error):
            if self._held:
                self._close_all_but_one()
        for last in self._held:
            with suppress(psycopg2.Error):
                last.close()
        self._held = []

    def _close_all_but_one(self) -> None:
        last = self._held.pop()
        pids = [each.info.backend_pid for each in self._held]
        while self._held:
            self._held.pop().close()
        self._held = [last]
        deadline_s = time.monotonic() + GONE_WITHIN_S
        with last.cursor() as cursor:
            while time.monotonic() < deadline_s:
                cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE pid = ANY(%s)", (pids,))
                if cursor.fetchone() == (0,):
                    return
                time.sleep(_EVERY_S)
