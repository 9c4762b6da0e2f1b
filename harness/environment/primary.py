"""The primary as a part of a trial: its sessions can be ended and its tables locked; our own can be stopped,
paused, demoted and filled, too.

What a given server cannot do it does not have: it belongs to someone else.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from psycopg2.extensions import connection

from harness.environment.address import own_session
from harness.environment.database import TrialDatabase
from harness.environment.embedded import EmbeddedServer
from harness.environment.filling import Filling
from harness.environment.leash import ending
from harness.environment.own_traffic import CountedSession, OwnTraffic, PatientCountedSession
from harness.environment.parts import PRIMARY
from harness.probe import Probe, probe


class GivenPrimary:
    """A server that was given: only what a trial has on it can be touched. `Terminable`, `Sessions`."""

    name = PRIMARY

    def __init__(self, database: TrialDatabase, own: OwnTraffic | None = None) -> None:
        """`own` is told of the sessions that are ours in the trial's database."""
        self._database = database
        self._own = own or OwnTraffic()

    @property
    def pid(self) -> int | None:
        """None: its processes are not ours."""
        return None

    def terminate(self, *, idle_only: bool, ours: int | None = None) -> int:
        """End the sessions in the trial's own database, or those that do nothing; how many were told to.

        The harness's own are spared, but for one of that pid, wherever it is.
        """
        return self._database.server.end_sessions_of_subject(self._database.name, idle_only=idle_only, ours=ours)

    def outside_session(self) -> connection:
        """A session of ours in the database that the server was reached by. Raises psycopg2.Error."""
        return own_session(self._database.admin_url)

    def open_session(self, *, patient: bool = False) -> connection:
        """A session of ours in the trial's own database, for one transaction. Raises psycopg2.Error."""
        since_s = time.monotonic()
        session = own_session(self._database.url, PatientCountedSession if patient else CountedSession)
        assert isinstance(session, CountedSession)
        session.tell(self._own, since_s)
        for _ in ("the session's limits", "the transaction"):
            self._own.count()
        return session

    def probe(self, patience_s: float) -> Probe:
        """Whether it answers, asked past every proxy."""
        server = self._database.server
        return probe(server.host, server.port, patience_s)


class EmbeddedPrimary(GivenPrimary):
    """Our own server. `Restartable`, `Pausable`, `Terminable`, `Sessions`, `Demotable`, `Fillable`."""

    def __init__(self, database: TrialDatabase, server: EmbeddedServer, own: OwnTraffic | None = None) -> None:
        super().__init__(database, own)
        self._server = server
        self._filling = Filling(self.outside_session)
        self._demoted = False

    @property
    def pid(self) -> int | None:
        """Its first process, another one after each start; None while it is stopped."""
        return self._server.pid

    def stop(self) -> None:
        """End it with all sessions; what was committed stays."""
        self._server.stop()

    def start(self) -> None:
        """Start it again on the same port, and wait until it answers."""
        self._server.start()

    def pause(self) -> None:
        """Make it stand still with all its connections open: the system goes on accepting, nobody answers."""
        self._server.pause()

    def resume(self) -> None:
        """Make it go on."""
        self._server.resume()

    def demote(self) -> None:
        """Make it refuse what writes, as a primary that has become a standby: from the next transaction of each
        session on, unless that says otherwise itself.
        """
        self._demoted = True  # before: half of it is undone as well
        self._server.set_read_only(True)

    def promote(self) -> None:
        """Make it take what writes; nothing where it was not demoted."""
        if self._demoted:
            self._server.set_read_only(False)
            self._demoted = False

    def fill(self, leave: int) -> int:
        """Use up its connections but for `leave`; how many sessions of ours there are. Raises psycopg2.Error."""
        return self._filling.fill(leave)

    def empty(self) -> None:
        """Give them back."""
        self._filling.empty()


@contextmanager
def primary_of(database: TrialDatabase, own: OwnTraffic | None = None) -> Iterator[GivenPrimary]:
    """The server of a trial's database as a part. However the block ends, it then runs, answers and takes writes.

    `own` is told of the sessions of ours in that database.
    """
    embedded = database.server.embedded
    if embedded is None:
        yield GivenPrimary(database, own)
        return
    primary = EmbeddedPrimary(database, embedded, own)
    with ending(primary.promote), ending(primary.empty), ending(primary.start), ending(primary.resume):
        yield primary
