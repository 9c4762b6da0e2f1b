"""A PostgreSQL server as the harness uses it, embedded or given: a template, fresh databases, its facts."""

from __future__ import annotations

import itertools
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import psycopg2
import psycopg2.errors
import psycopg2.extensions
from psycopg2 import sql

from harness.environment.address import OWN_SESSION, Address, connect, first_line, redacted
from harness.environment.embedded import EmbeddedServer
from harness.environment.leash import ending
from harness.environment.limits import LIMITS_QUERY, REMEDIES, ConnectionLimits, limit_met
from harness.environment.notable import NOTABLE_SETTINGS
from harness.environment.totals import TOTALS_QUERY, Totals
from harness.environment.waits import HurriedConnection
from harness.errors import EnvironmentSetupError, LeftBehindError

OLDEST_VERSION = 130_000  # DROP DATABASE .. WITH (FORCE)
BANK_SCHEMA = "bank"
"""What a database holds that is for the standard targets."""
_DROP_WITHIN_S = 5.0  # as long as one try of PostgreSQL's own
_END_SESSIONS = """
    SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)) FROM pg_stat_activity
    WHERE datname = %s AND usename IN (current_user, %s) AND pid <> pg_backend_pid()
      AND backend_type = 'client backend'"""


@dataclass(frozen=True, slots=True)
class TrialDatabase:
    """One trial's own database; `url` leads past the proxy."""

    name: str
    server: DatabaseServer = field(repr=False)

    @property
    def url(self) -> str:
        """Straight to PostgreSQL. It holds the password: keep it out of output and command lines."""
        return self.server.url(self.name)

    @property
    def admin_url(self) -> str:
        """The database that the server was reached by; for looking on. It holds the password too."""
        return self.server.admin_url

    def transactions(self) -> int:
        """Transactions committed and rolled back in it since it was made."""
        return self.server.transactions(self.name)

    def totals(self) -> Totals | None:
        """What PostgreSQL counted in it since it was made; None where it is gone."""
        return self.server.totals(self.name)

    def connection_limits(self) -> ConnectionLimits:
        """How many connections the role may have to it, and how many there are."""
        return self.server.connection_limits(self.name)

    def url_through(self, host: str, port: int) -> str:
        """The same database by way of a proxy. It holds the password too."""
        return self.server.url(self.name, host, port)


class DatabaseServer:
    """A running PostgreSQL on which the harness may create databases.

    All that it creates bears a name unique to the run, and is dropped again. Other databases are not touched.
    """

    def __init__(
        self, address: Address, origin: Literal["embedded", "given"], embedded: EmbeddedServer | None = None
    ) -> None:
        self._address = address
        self.embedded = embedded
        self.origin: Literal["embedded", "given"] = origin
        self.version = str(self._scalar("SHOW server_version")).split()[0]
        self._prefix = f"poolstorm_{secrets.token_hex(4)}"
        self._numbers = itertools.count(1)
        self._templates: dict[str, str] = {}  # by what they hold
        self._created: list[str] = []
        self._silent = False  # whether it did not answer when something was to be dropped last

    def __repr__(self) -> str:
        return f"DatabaseServer({self.host}:{self.port}, {self.origin}, {self.version})"

    @property
    def address(self) -> Address:
        """Where it is and how the harness logs in."""
        return self._address

    @property
    def trusted_role(self) -> str:
        """The role that needs no password, while there is one (`harness.environment.logins`)."""
        return f"{self._prefix}_trusted"

    @property
    def host(self) -> str:
        """Where it listens."""
        return self._address.host

    @property
    def port(self) -> int:
        """On which port."""
        return self._address.port

    def process_id(self) -> int | None:
        """The embedded server's first process; None where the server was given, or is stopped."""
        return self.embedded.pid if self.embedded is not None else None

    @property
    def user(self) -> str:
        """The role that owns all that is created."""
        return self._address.user

    @property
    def password(self) -> str:
        """A secret."""
        return self._address.password

    def url(self, database: str, host: str | None = None, port: int | None = None) -> str:
        """A URL for any driver, straight or by way of a proxy at `host` and `port`. It holds the password."""
        return self._address.url(database, host, port)

    @property
    def database(self) -> str:
        """The database that the server was reached by."""
        return self._address.database

    @property
    def options(self) -> tuple[tuple[str, str], ...]:
        """What the address says beside place and login, such as sslmode."""
        return self._address.options

    def redact(self, text: str) -> str:
        """The text without the password."""
        return redacted(text, self.password)

    @property
    def admin_url(self) -> str:
        """The database that the server was reached by, not a trial's; for looking on. It holds the password."""
        return self.url(self._address.database)

    def require_alive(self) -> None:
        """Raises EnvironmentSetupError where the server does not answer any more."""
        remedy = "start it and run it again"
        if self.embedded is not None:  # nobody else starts it, and its data lie where little room may be
            remedy = "run it again, with room for its data where TMPDIR is"
            if self.embedded.died():
                raise EnvironmentSetupError(f"PostgreSQL is gone: {self.embedded.end_description()}; {remedy}")
        with self._cursor("PostgreSQL is gone: no session", remedy=remedy) as cursor:
            cursor.execute("SELECT 1")

    def transactions(self, name: str) -> int:
        """Transactions committed and rolled back in a database since it was made.

        PostgreSQL's sessions report theirs at the latest when they end, so wait for the target's end first.
        """
        return int(
            self._scalar("SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = %s", (name,))
            or 0
        )

    def totals(self, name: str) -> Totals | None:
        """What PostgreSQL counted in a database since it was made, as far as its sessions have reported it; None
        where there is none of that name.
        """
        with self._cursor("what was counted cannot be read") as cursor:
            cursor.execute(TOTALS_QUERY, (name,))
            row = cursor.fetchone()
        return Totals(*row) if row else None

    def flushed_lsn(self) -> str:
        """How far its log is on disk: what a replica can have at most."""
        return str(self._scalar("SELECT pg_current_wal_flush_lsn()"))

    def has_replayed(self, lsn: str) -> bool:
        """Of a replica: whether it shows all that the primary's log holds up to there."""
        return bool(self._scalar("SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", (lsn,)))

    def settings(self) -> dict[str, str]:
        """The settings that bear on figures, as PostgreSQL writes them (`128MB`, `off`)."""
        with self._cursor("the settings cannot be read") as cursor:
            cursor.execute(
                "SELECT name, current_setting(name) FROM pg_settings WHERE name = ANY(%s)",
                (list(NOTABLE_SETTINGS),),
            )
            found = dict(cursor.fetchall())
        return {name: found[name] for name in NOTABLE_SETTINGS if name in found}

    def create_template(self, build: Callable[[str], None], holding: str = BANK_SCHEMA) -> None:
        """Create a database, let `build(url)` fill it, and copy it for each `fresh_database(holding)` afterwards.

        It is vacuumed and analysed, so that every trial starts with the same statistics.
        """
        name = f"{self._prefix}_template_{next(self._numbers)}"
        self._create(name, template=None)
        build(self.url(name))
        with self._cursor("the template cannot be analysed", name) as cursor:
            cursor.execute("VACUUM (ANALYZE)")
        self.end_sessions(name)
        self._templates[holding] = name

    @contextmanager
    def fresh_database(self, holding: str = BANK_SCHEMA) -> Iterator[TrialDatabase]:
        """A copy of the template that holds this (an empty database where there is none), dropped with every
        connection to it.
        """
        name = f"{self._prefix}_{next(self._numbers)}"
        self._create(name, template=self._templates.get(holding))
        with ending(lambda: self._drop(name)):
            yield TrialDatabase(name, self)

    def drop_all(self) -> None:
        """Drop whatever of ours is still there. One that cannot be dropped keeps no other, unless nobody answers.

        Raises LeftBehindError, which names all that could not.
        """
        failures: dict[str, str] = {}
        for name in reversed(list(self._created)):
            try:
                self._drop(name)
            except EnvironmentSetupError as error:
                failures[name] = str(error)
                if self._silent:  # each further one would have to wait as long
                    break
            except KeyboardInterrupt:  # again, by someone who will not wait
                failures[name] = self._may_hold(name, "you did not wait until it was dropped")
                break
        if failures:
            first, told = next(iter(failures.items()))
            others = [name for name in self._created if name != first]
            raise LeftBehindError(f"{told} (so with {', '.join(others)})" if others else told)

    def end_sessions(self, name: str) -> int:
        """End the sessions of our roles in a database; how many were told to.

        Only those: an autovacuum worker, say, is not for everyone to end, and yields by itself.
        """
        return int(self._scalar(_END_SESSIONS, (name, self.trusted_role)))

    def end_sessions_of_subject(self, name: str, *, idle_only: bool, ours: int | None = None) -> int:
        """End those of them that are not the harness's own, or that do nothing; and one of ours by its pid."""
        idle = " AND state = 'idle'" if idle_only else ""
        whose = f" AND application_name <> %s{idle} OR pid = %s"
        return int(self._scalar(_END_SESSIONS + whose, (name, self.trusted_role, OWN_SESSION, ours)))

    def connection_limits(self, name: str | None = None) -> ConnectionLimits:
        """How many connections to a database (by default the one we were given) the role may have, and has."""
        with self._cursor("the limits of connections cannot be read") as cursor:
            cursor.execute(LIMITS_QUERY, (name or self._address.database,))
            row = cursor.fetchone()
        assert row is not None
        return ConnectionLimits(*row)

    def _create(self, name: str, template: str | None) -> None:
        statement = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
        if template is not None:
            statement += sql.SQL(" TEMPLATE {}").format(sql.Identifier(template))
        self._created.append(name)
        try:
            with self._cursor(f"database {name} cannot be created") as cursor:
                cursor.execute(statement)
        except EnvironmentSetupError as error:
            if not isinstance(error.__cause__, psycopg2.OperationalError):  # it was refused, and is not there
                self._created.remove(name)
            raise

    def _drop(self, name: str) -> None:
        """Drop it with every connection to it.

        A role that is no superuser may not end sessions of others, and the system's own (autovacuum) count as
        such: then without force, which waits for those, until it is not in use any more.
        """
        if self.embedded is not None and self.embedded.died():
            self._created.remove(name)
            return
        plain = sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name))
        deadline_s = time.monotonic() + _DROP_WITHIN_S
        statement = plain + sql.SQL(" WITH (FORCE)")
        remedy = f"end the sessions of other roles in it and run: {_by_hand(name)}"
        while True:
            try:
                # A server that was silent the last time is given less time to take the connection.
                kind = HurriedConnection if self._silent else None
                with self._cursor(f"database {name} cannot be dropped", remedy=remedy, kind=kind) as cursor:
                    cursor.execute(statement)
                self._silent = False
                break
            except EnvironmentSetupError as error:
                in_the_way = (psycopg2.errors.InsufficientPrivilege, psycopg2.errors.ObjectInUse)
                if not isinstance(error.__cause__, in_the_way):
                    self._silent = isinstance(error.__cause__, psycopg2.OperationalError)
                    raise EnvironmentSetupError(
                        self._may_hold(name, "it did not answer when that was to be dropped")
                    ) from error
                if time.monotonic() > deadline_s:
                    raise
            self.end_sessions(name)
            statement = plain
        self._created.remove(name)

    def _may_hold(self, name: str, why: str) -> str:
        return (
            f"{self._address} may still hold the database {name}, as {why}; once it answers, run: {_by_hand(name)}"
        )

    def ask(self, query: str, what: str, database: str | None = None) -> tuple[Any, ...]:
        """The first row of an answer. Raises EnvironmentSetupError, which says `what` failed."""
        with self._cursor(what, database) as cursor:
            cursor.execute(query)
            row = cursor.fetchone()
        return tuple(row or ())

    @contextmanager
    def _cursor(
        self,
        failing: str,
        database: str | None = None,
        remedy: str = "see the server's log",
        kind: type[psycopg2.extensions.connection] | None = None,
    ) -> Iterator[psycopg2.extensions.cursor]:
        """A cursor of a session of its own. Raises EnvironmentSetupError: what is failing, why, and the remedy."""
        try:
            with closing(connect(self._address, database, kind)) as connection, connection.cursor() as cursor:
                yield cursor
        except psycopg2.Error as error:
            gist = first_line(error, self._address).removesuffix(".")
            limit = limit_met(gist)
            if limit is not None:
                remedy = f"end other sessions, or {REMEDIES[limit]}"
            raise EnvironmentSetupError(f"{failing} on {self._address}: {gist}; {remedy}") from error

    def _scalar(self, query: str, parameters: tuple[object, ...] = ()) -> Any:
        with self._cursor("PostgreSQL does not answer") as cursor:
            cursor.execute(query, parameters)
            row = cursor.fetchone()
        return row[0] if row else None


def _by_hand(name: str) -> str:
    return f'DROP DATABASE IF EXISTS "{name}"'
