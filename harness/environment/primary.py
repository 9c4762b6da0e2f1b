"""The primary as a part of a trial: its sessions can be ended; our own can be stopped and paused, too.

What a given server cannot do it does not have: it belongs to someone else.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg2.extensions import connection

from harness.environment.address import own_session
from harness.environment.database import TrialDatabase
from harness.environment.embedded import EmbeddedServer
from harness.environment.leash import ending
from harness.environment.parts import PRIMARY
from harness.probe import Probe, probe


class GivenPrimary:
    """A server that was given: only what a trial has on it can be touched. `Terminable`."""

    name = PRIMARY

    def __init__(self, database: TrialDatabase) -> None:
        self._database = database

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

    def probe(self, patience_s: float) -> Probe:
        """Whether it answers, asked past every proxy."""
        server = self._database.server
        return probe(server.host, server.port, patience_s)


class EmbeddedPrimary(GivenPrimary):
    """Our own server. `Restartable`, `Pausable`, `Terminable`."""

    def __init__(self, database: TrialDatabase, server: EmbeddedServer) -> None:
        super().__init__(database)
        self._server = server

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


@contextmanager
def primary_of(database: TrialDatabase) -> Iterator[GivenPrimary]:
    """The server of a trial's database as a part. However the block ends, it then runs and answers."""
    embedded = database.server.embedded
    if embedded is None:
        yield GivenPrimary(database)
        return
    primary = EmbeddedPrimary(database, embedded)
    with ending(primary.start), ending(primary.resume):
        yield primary
