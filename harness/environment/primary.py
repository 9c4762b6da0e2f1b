"""The primary as a part of a trial: its sessions can be ended; our own can be stopped and paused, too.

What a given server cannot do it does not have: it belongs to someone else.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from harness.environment.database import TrialDatabase
from harness.environment.embedded import EmbeddedServer
from harness.environment.leash import ending
from harness.environment.parts import PRIMARY


class GivenPrimary:
    """A server that was given: only what a trial has on it can be touched. `Terminable`."""

    name = PRIMARY

    def __init__(self, database: TrialDatabase) -> None:
        self._database = database

    @property
    def pid(self) -> int | None:
        """None: its processes are not ours."""
        return None

    def terminate(self, *, idle_only: bool) -> int:
        """End the sessions in the trial's own database, or those that do nothing; how many were told to."""
        return self._database.server.end_sessions(self._database.name, idle_only=idle_only)


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
