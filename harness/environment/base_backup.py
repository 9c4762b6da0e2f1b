"""A copy of a running primary, from which a replica starts: PostgreSQL's own pg_basebackup, and what it needs.

What a primary lacks for a replica is found before anything is copied, so that the line can name the mend.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from psycopg2.extensions import make_dsn

from harness.environment.account import Account
from harness.environment.binaries import major_version
from harness.environment.children import NO_FILE
from harness.environment.database import DatabaseServer
from harness.environment.embedded import ends_well, start_program
from harness.environment.last_words import telling_line
from harness.environment.leash import Leash
from harness.errors import ReplicaUnavailableError

BACKUP_WITHIN_S = 300.0
SENDERS_NEEDED = 2
"""pg_basebackup takes two at once, one of them for the log; the replica then takes one."""
_LOG_LINES = 50
LEAST_FREE_BYTES = 256 * 2**20
"""Beside the copy itself: log that is written while the run goes on."""
NO_LESS_THAN_PRIMARY = (
    "max_connections",
    "max_worker_processes",
    "max_wal_senders",
    "max_prepared_transactions",
    "max_locks_per_transaction",
)
"""A replica with less of one of these than its primary serves no reads (hot standby)."""

_QUERY = """
SELECT current_setting('server_version_num')::int / 10000,
       current_setting('wal_level'),
       current_setting('max_wal_senders')::int
         - (SELECT count(*)::int FROM pg_stat_activity WHERE backend_type = 'walsender'),
       (SELECT rolreplication OR rolsuper FROM pg_roles WHERE rolname = current_user),
       (SELECT sum(pg_database_size(oid))::bigint FROM pg_database
          WHERE datallowconn AND has_database_privilege(oid, 'CONNECT')),
       (SELECT count(*)::int FROM pg_tablespace WHERE spcname NOT IN ('pg_default', 'pg_global')),
       (SELECT json_object_agg(name, setting) FROM pg_settings WHERE name = ANY(ARRAY[{limits}]))
""".format(limits=", ".join(f"'{name}'" for name in NO_LESS_THAN_PRIMARY))


@dataclass(frozen=True, slots=True)
class PrimaryFacts:
    """What decides whether a primary can have a replica of ours. `bytes` is the least that a copy takes."""

    place: str
    user: str
    major: int
    wal_level: str
    free_senders: int
    may_replicate: bool
    bytes: int
    tablespaces: int
    limits: Mapping[str, str]

    @classmethod
    def of(cls, primary: DatabaseServer) -> PrimaryFacts:
        """Asked of the server. Raises EnvironmentSetupError where it does not answer."""
        major, level, senders, may, size, tablespaces, limits = primary.ask(_QUERY, "its settings cannot be read")
        place = f"{primary.host}:{primary.port}"
        return cls(place, primary.user, major, level, senders, bool(may), size or 0, tablespaces, limits)

    def obstacle(self, *, binaries_major: int, free_bytes: int, folder: Path) -> str:
        """Why there can be no replica, with what to do; empty where there can."""
        needed_bytes = self.bytes + LEAST_FREE_BYTES
        where = f"PostgreSQL at {self.place}"
        obstacles = (
            (
                self.major != binaries_major,
                f"{where} is of version {self.major}, and what would follow it of version {binaries_major}; "
                f"give a server of version {binaries_major}, or leave out --database-url",
            ),
            (
                self.wal_level == "minimal",
                f"wal_level of {where} is minimal; set it to replica and restart the server",
            ),
            (
                not self.may_replicate,
                f"role {self.user!r} of {where} may not replicate; "
                f'have an administrator run: ALTER ROLE "{self.user}" REPLICATION',
            ),
            (
                self.free_senders < SENDERS_NEEDED,
                f"{where} has {max(0, self.free_senders)} WAL senders left and {SENDERS_NEEDED} are needed; "
                f"raise max_wal_senders and restart the server",
            ),
            (
                self.tablespaces > 0,
                f"{where} has tablespaces, whose places a copy on this machine would need too; "
                f"give a server without, or leave out --database-url",
            ),
            (
                free_bytes < needed_bytes,
                f"a copy of {where} takes {_mib(needed_bytes)} MiB and {folder} has {_mib(free_bytes)}; "
                f"make room or set TMPDIR to where there is some",
            ),
        )
        return next((text for is_there, text in obstacles if is_there), "")


def copy_primary(
    leash: Leash, binaries: Path, folder: Path, primary: DatabaseServer, account: Account | None
) -> PrimaryFacts:
    """Copy the primary's data into `folder / "data"`, straight and past every proxy; what was found of it.

    Raises ReplicaUnavailableError with what is in the way.
    """
    facts = PrimaryFacts.of(primary)
    obstacle = facts.obstacle(
        binaries_major=major_version(binaries), free_bytes=shutil.disk_usage(folder).free, folder=folder.parent
    )
    if obstacle:
        raise ReplicaUnavailableError(f"no replica: {obstacle}")
    command: list[str | Path] = [
        binaries / "pg_basebackup",
        f"--pgdata={folder / 'data'}",
        f"--dbname={connection_text(primary, primary.host, primary.port)}",
        *("--no-password", "--wal-method=stream", "--checkpoint=fast", "--no-sync", "--no-manifest"),
    ]
    environment = {"PGPASSWORD": primary.password, "PGPASSFILE": NO_FILE}  # arguments are for everyone to read
    child = start_program(leash, command, folder, "pg_basebackup", account, environment)
    try:
        copied = ends_well(child, BACKUP_WITHIN_S)
    except subprocess.TimeoutExpired as error:
        raise ReplicaUnavailableError(
            f"no replica: PostgreSQL at {facts.place} was not copied in {BACKUP_WITHIN_S:g} s; "
            "give a smaller server, or leave out --database-url"
        ) from error
    if not copied:
        said = primary.redact(telling_line(child.tail_of_log(_LOG_LINES)).removeprefix("pg_basebackup: error: "))
        raise ReplicaUnavailableError(
            f"no replica: PostgreSQL at {facts.place} gave no copy: {said}; {_mend(said)}"
        )
    return facts


def connection_text(primary: DatabaseServer, host: str, port: int, **more: str) -> str:
    """How libpq reaches the primary at `host` and `port`; without the password unless that is among `more`."""
    options = dict(primary.options) or {"sslmode": "disable" if primary.origin == "embedded" else "prefer"}
    return str(make_dsn(None, host=host, port=port, user=primary.user, **options, **more))


def _mend(said: str) -> str:
    if "pg_hba.conf" in said:
        return "add a line for `replication` to its pg_hba.conf and reload it"
    if "No space left" in said:
        return "make room or set TMPDIR to where there is some"
    return "see the server's log"


def _mib(size_bytes: int) -> int:
    return -(-size_bytes // 2**20)
