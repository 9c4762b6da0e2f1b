"""A streaming replica of the primary: a part of its own, on two links that each have a proxy.

    app --replica-link--> replica --replication-link--> primary

It is made once in a run, from a copy that PostgreSQL's own pg_basebackup takes, and serves reads (hot standby).
What the primary commits comes to it through `replication-link`, and what is slow there makes it late. It follows
without a slot: on a server that was given, a slot left behind would keep its log until the disk is full.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.environment.account import server_account, temporary_parent
from harness.environment.address import Address
from harness.environment.base_backup import connection_text, copy_primary
from harness.environment.binaries import runnable_binaries
from harness.environment.bounded_log import bounded
from harness.environment.database import DatabaseServer, TrialDatabase
from harness.environment.embedded import (
    SERVER_SETTINGS,
    EmbeddedServer,
    embedded_binaries,
)
from harness.environment.leash import Leash, ending
from harness.environment.parts import REPLICA
from harness.environment.ports import HOST
from harness.environment.primary import EmbeddedPrimary
from harness.environment.readiness import on_a_free_port
from harness.environment.toxiproxy import Proxy, Toxiproxy
from harness.errors import EnvironmentSetupError, ReplicaUnavailableError
from scenarios.model import REPLICA_LINK, REPLICATION_LINK

FOLLOWS_WITHIN_S = 15.0
"""How long a trial's fresh database may take to be on the replica: a copy of the template, through the link."""
_EVERY_S = 0.01
REPLICA_SETTINGS = {
    "hot_standby": "on",
    "wal_retrieve_retry_interval": "100ms",  # after its link is back; by default it would rest for 5 s
    "wal_receiver_status_interval": "1s",
    "archive_mode": "off",
    "ssl": "off",
}


@dataclass(frozen=True)
class Replica:
    """A replica that follows. The primary knows it by its `name`; `replication` is the link that it follows on."""

    name: str
    primary: DatabaseServer
    server: DatabaseServer
    embedded: EmbeddedServer
    replication: Proxy

    def cpu_s(self) -> float:
        """Processor time of all its processes, those before a restart included."""
        return self.embedded.cpu_s()

    def stands_still(self) -> bool:
        """Whether somebody stopped one of its processes. `Working`; from any thread."""
        return self.embedded.stands_still()

    def require_alive(self) -> None:
        """Raises ReplicaUnavailableError where its server ended and nobody of ours stopped it."""
        if self.embedded.died():
            raise ReplicaUnavailableError("the replica has ended by itself or by someone else; run it again")

    def database(self, name: str, within_s: float = FOLLOWS_WITHIN_S) -> TrialDatabase:
        """The replica's copy of a database that the primary has just made, once it is there.

        Raises ReplicaUnavailableError where it does not come, or the replica has gone.
        """
        lsn = self.primary.flushed_lsn()
        deadline_s = time.monotonic() + within_s
        while not self._has(lsn):
            if time.monotonic() > deadline_s:
                raise ReplicaUnavailableError(
                    f"the replica did not follow the primary within {within_s:g} s; "
                    "see whether the machine is busy, and run it again"
                )
            time.sleep(_EVERY_S)
        database = TrialDatabase(name, self.server)
        try:
            self.server.ask("SELECT 1", f"database {name} cannot be read", name)
        except EnvironmentSetupError as error:
            raise ReplicaUnavailableError(f"no replica: {error}") from error
        return database

    def _has(self, lsn: str) -> bool:
        self.require_alive()
        try:
            return self.server.has_replayed(lsn)
        except EnvironmentSetupError as error:
            raise ReplicaUnavailableError(f"the replica is gone: {error}") from error


class EmbeddedReplica(EmbeddedPrimary):
    """The replica as a part of a trial. `Restartable`, `Pausable`, `Terminable`."""

    name = REPLICA


@dataclass(frozen=True)
class ReplicaOfTrial:
    """What a trial has of the replica: its database there, the link to it, and the parts by name."""

    replica: Replica
    database: TrialDatabase
    link: Proxy
    parts: Mapping[str, object]

    @property
    def url(self) -> str:
        """The trial's database on the replica, by way of `replica-link`. It holds the password."""
        return self.database.url_through(self.link.host, self.link.port)


@contextmanager
def replica_of(
    replica: Replica, database: TrialDatabase, toxiproxy: Toxiproxy, name: str
) -> Iterator[ReplicaOfTrial]:
    """The replica for one trial, with a fresh proxy before it. However the block ends, it then runs and answers.

    Raises ReplicaUnavailableError where the trial's database does not come, or the replica did not live through
    the block.
    """
    there = replica.database(database.name)
    link = toxiproxy.create_proxy(f"{name}-{REPLICA_LINK}", replica.server.host, replica.server.port)
    part = EmbeddedReplica(there, replica.embedded)
    with ending(link.destroy), ending(part.start), ending(part.resume):
        parts = {REPLICA: part, REPLICA_LINK: link, REPLICATION_LINK: replica.replication}
        yield ReplicaOfTrial(replica, there, link, parts)
        replica.require_alive()


@contextmanager
def running_replica(
    leash: Leash, primary: DatabaseServer, toxiproxy: Toxiproxy, progress: Callable[[str], None]
) -> Iterator[Replica]:
    """A replica that follows the primary until the end of the block; then nothing of it is left.

    Raises ReplicaUnavailableError where it cannot be made, with what is in the way and what to do.
    """
    progress("making the replica" if primary.origin == "embedded" else "copying the whole server for the replica")
    with ExitStack() as made:
        try:
            replica = _make(made, leash, primary, toxiproxy)
        except ReplicaUnavailableError:
            raise
        except EnvironmentSetupError as error:
            raise ReplicaUnavailableError(f"no replica: {error}") from error
        yield replica


def _make(made: ExitStack, leash: Leash, primary: DatabaseServer, toxiproxy: Toxiproxy) -> Replica:
    if not toxiproxy.is_local:
        raise ReplicaUnavailableError(
            f"no replica: it would listen on {HOST}, which the Toxiproxy on {toxiproxy.host} does not reach; "
            "leave out --toxiproxy"
        )
    account = server_account()
    folder = leash.temporary_folder(temporary_parent(account))
    made.enter_context(ending(lambda: leash.remove_folder(folder)))
    if account is not None:
        account.own(folder)
    binaries = runnable_binaries(embedded_binaries(), folder, account)
    facts = copy_primary(leash, binaries, folder, primary, account)
    link = toxiproxy.create_proxy(REPLICATION_LINK, primary.host, primary.port)
    made.enter_context(ending(link.destroy))
    name = f"poolstorm_{secrets.token_hex(4)}"
    _follow(
        folder, connection_text(primary, link.host, link.port, password=primary.password, application_name=name)
    )
    settings = {**_settings(folder, facts.limits), **_own_rules(folder, primary)}
    if account is not None:
        account.own(*folder.glob("*.conf"))

    def started(port: int) -> EmbeddedServer:
        address = Address(HOST, port, primary.user, primary.password, primary.database)
        server = EmbeddedServer(leash, binaries, folder, address, account, settings, "the replica")
        server.start()
        return server

    embedded = on_a_free_port(started)
    made.enter_context(ending(embedded.stop))
    made.enter_context(bounded(embedded.log.cut))
    server = DatabaseServer(embedded.address, "embedded", embedded)
    return Replica(name, primary, server, embedded, link)


def _follow(folder: Path, primary_conninfo: str) -> None:
    """Have the copy start as a replica. What it is told holds the password: a file in a folder of mode 0700."""
    data = folder / "data"
    (data / "standby.signal").touch()
    # The only settings file that every server reads; the primary's own would come with the copy.
    quoted = primary_conninfo.replace("\\", "\\\\").replace("'", "''")
    (data / "postgresql.auto.conf").write_text(f"primary_conninfo = '{quoted}'\n")


def _settings(folder: Path, limits: Mapping[str, str]) -> dict[str, str]:
    """Those of the embedded server, and of a primary's own only the limits that a replica must not be below."""
    (folder / "replica.conf").touch()
    least = {"max_connections": max(int(limits["max_connections"]), int(SERVER_SETTINGS["max_connections"]))}
    return {
        **SERVER_SETTINGS,
        **REPLICA_SETTINGS,
        **limits,
        **{name: str(value) for name, value in least.items()},
        "config_file": str(folder / "replica.conf"),
    }


def _own_rules(folder: Path, primary: DatabaseServer) -> dict[str, str]:
    """Who may log in, and how: the role alone, with the password of the primary, from this machine.

    `md5` takes what is stored as SCRAM, too. A role that a given server lets in without a password has none here.
    """
    method = "md5" if primary.password else "trust"
    quoted = primary.user.replace('"', '""')
    (folder / "hba.conf").write_text(f'host all "{quoted}" {HOST}/32 {method}\n')
    (folder / "ident.conf").touch()
    return {"hba_file": str(folder / "hba.conf"), "ident_file": str(folder / "ident.conf")}
