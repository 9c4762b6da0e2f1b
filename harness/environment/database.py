"""A PostgreSQL server as the harness uses it, embedded or given: a template, fresh databases, its facts."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qsl, quote, unquote, urlsplit

import psycopg2
import psycopg2.extensions
from psycopg2 import sql

from harness.environment.leash import ending
from harness.errors import EnvironmentSetupError

OLDEST_VERSION = 130_000  # DROP DATABASE .. WITH (FORCE)
CONNECT_TIMEOUT_S = 5
NOTABLE_SETTINGS = (
    "max_connections",
    "superuser_reserved_connections",
    "reserved_connections",
    "shared_buffers",
    "effective_cache_size",
    "fsync",
    "synchronous_commit",
    "full_page_writes",
    "commit_delay",
    "autovacuum",
    "wal_level",
    "max_wal_size",
    "checkpoint_timeout",
    "work_mem",
    "max_parallel_workers_per_gather",
    "random_page_cost",
    "jit",
    "io_method",
    "default_transaction_isolation",
    "statement_timeout",
    "lock_timeout",
    "idle_in_transaction_session_timeout",
    "idle_session_timeout",
    "tcp_keepalives_idle",
    "tcp_user_timeout",
    "client_connection_check_interval",
    "log_statement",
    "log_min_duration_statement",
    "log_connections",
    "password_encryption",  # how dear a login is
    "scram_iterations",
    "ssl",
    "shared_preload_libraries",
)
_FORM = "postgresql://USER:PASSWORD@HOST:PORT/DATABASE"


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server is and how to log in; the password is in neither `repr` nor `str`."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    database: str

    def __str__(self) -> str:
        return f"{self.host}:{self.port}/{self.database}"


def parse_database_url(text: str) -> Address:
    """Read `postgresql://USER:PASSWORD@HOST:PORT/DATABASE`; port 5432 and database = user may be left out.

    Raises EnvironmentSetupError, never quoting the text: it may hold a password in an unexpected place.
    """
    try:
        parts = urlsplit(text)
        port = parts.port or 5432
    except ValueError:
        raise EnvironmentSetupError(f"--database-url cannot be read; write it as {_FORM}") from None
    if parts.scheme not in ("postgresql", "postgres") or not parts.hostname or not parts.username:
        raise EnvironmentSetupError(f"--database-url is not complete; write it as {_FORM}")
    if parts.query or parts.fragment:
        names = ", ".join(name for name, _ in parse_qsl(parts.query)) or "an unnamed one"
        raise EnvironmentSetupError(f"--database-url carries options ({names}); poolstorm takes none, remove them")
    user = unquote(parts.username)
    return Address(
        host=parts.hostname,
        port=port,
        user=user,
        password=unquote(parts.password or ""),
        database=unquote(parts.path.lstrip("/")) or user,
    )


def connect(address: Address, database: str | None = None) -> psycopg2.extensions.connection:
    """A connection in autocommit. Raises psycopg2.OperationalError."""
    connection = psycopg2.connect(
        host=address.host,
        port=address.port,
        user=address.user,
        password=address.password,
        dbname=database or address.database,
        connect_timeout=CONNECT_TIMEOUT_S,
        application_name="poolstorm",
    )
    connection.autocommit = True
    return connection


def redacted(text: str, password: str) -> str:
    """The text without the password, as it is and as a URL writes it."""
    for form in {password, quote(password, safe="")} - {""}:
        text = text.replace(form, "***")
    return text


def first_line(error: BaseException, address: Address) -> str:
    """The gist of a driver's error, on one line and without the password."""
    line = next(iter(str(error).strip().splitlines()), type(error).__name__)
    return redacted(line, address.password)


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

    def url_through(self, host: str, port: int) -> str:
        """The same database by way of a proxy. It holds the password too."""
        return self.server.url(self.name, host, port)


class DatabaseServer:
    """A running PostgreSQL on which the harness may create databases.

    All that it creates bears a name unique to the run, and is dropped again. Other databases are not touched.
    """

    def __init__(self, address: Address, origin: Literal["embedded", "given"], pid: int | None = None) -> None:
        self._address = address
        self._pid = pid
        self.origin: Literal["embedded", "given"] = origin
        self.version = str(self._scalar("SHOW server_version")).split()[0]
        self._prefix = f"poolstorm_{secrets.token_hex(4)}"
        self._numbers = itertools.count(1)
        self._template: str | None = None
        self._created: list[str] = []

    def __repr__(self) -> str:
        return f"DatabaseServer({self.host}:{self.port}, {self.origin}, {self.version})"

    @property
    def host(self) -> str:
        """Where it listens."""
        return self._address.host

    @property
    def port(self) -> int:
        """On which port."""
        return self._address.port

    def process_id(self) -> int | None:
        """The embedded server's first process; None where the server was given."""
        return self._pid

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
        login = f"{quote(self.user, safe='')}:{quote(self.password, safe='')}"
        place = host or self.host
        place = f"[{place}]" if ":" in place else place
        return f"postgresql://{login}@{place}:{port or self.port}/{quote(database, safe='')}"

    def redact(self, text: str) -> str:
        """The text without the password."""
        return redacted(text, self.password)

    @property
    def admin_url(self) -> str:
        """The database that the server was reached by, not a trial's; for looking on. It holds the password."""
        return self.url(self._address.database)

    def require_alive(self) -> None:
        """Raises EnvironmentSetupError where the server does not answer any more."""
        try:
            self._scalar("SELECT 1")
        except psycopg2.Error as error:
            gist = first_line(error, self._address).removesuffix(".")
            raise EnvironmentSetupError(
                f"PostgreSQL at {self._address} is gone: {gist}; see its log, start it and run it again"
            ) from error

    def transactions(self, name: str) -> int:
        """Transactions committed and rolled back in a database since it was made.

        PostgreSQL's sessions report theirs at the latest when they end, so wait for the target's end first.
        """
        return int(
            self._scalar("SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = %s", (name,))
            or 0
        )

    def settings(self) -> dict[str, str]:
        """The settings that bear on figures, as PostgreSQL writes them (`128MB`, `off`)."""
        with closing(connect(self._address)) as connection, connection.cursor() as cursor:
            cursor.execute(
                "SELECT name, current_setting(name) FROM pg_settings WHERE name = ANY(%s)",
                (list(NOTABLE_SETTINGS),),
            )
            found = dict(cursor.fetchall())
        return {name: found[name] for name in NOTABLE_SETTINGS if name in found}

    def create_template(self, build: Callable[[str], None]) -> None:
        """Create a database, let `build(url)` fill it, and copy it for every `fresh_database` from then on.

        It is vacuumed and analysed, so that every trial starts with the same statistics.
        """
        name = f"{self._prefix}_template_{next(self._numbers)}"
        self._create(name, template=None)
        build(self.url(name))
        with closing(connect(self._address, name)) as connection, connection.cursor() as cursor:
            cursor.execute("VACUUM (ANALYZE)")
        self._disconnect_all(name)
        self._template = name

    @contextmanager
    def fresh_database(self) -> Iterator[TrialDatabase]:
        """A copy of the template (an empty database where there is none), dropped with every connection to it."""
        name = f"{self._prefix}_{next(self._numbers)}"
        self._create(name, template=self._template)
        with ending(lambda: self._drop(name)):
            yield TrialDatabase(name, self)

    def drop_all(self) -> None:
        """Drop whatever of ours is still there."""
        for name in reversed(list(self._created)):
            self._drop(name)

    def _create(self, name: str, template: str | None) -> None:
        statement = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
        if template is not None:
            statement += sql.SQL(" TEMPLATE {}").format(sql.Identifier(template))
        self._created.append(name)
        self._execute(statement, f"database {name} cannot be created")

    def _drop(self, name: str) -> None:
        statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        self._execute(statement, f"database {name} cannot be dropped")
        self._created.remove(name)

    def _disconnect_all(self, name: str) -> None:
        """End what `build` left connected: PostgreSQL copies no database that is in use."""
        self._scalar("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = %s", (name,))

    def _execute(self, statement: sql.Composable, failing: str) -> None:
        try:
            with closing(connect(self._address)) as connection, connection.cursor() as cursor:
                cursor.execute(statement)
        except psycopg2.Error as error:
            text = f"{failing} on {self._address}: {first_line(error, self._address)}; see the server's log"
            raise EnvironmentSetupError(text) from error

    def _scalar(self, query: str, parameters: tuple[object, ...] = ()) -> Any:
        with closing(connect(self._address)) as connection, connection.cursor() as cursor:
            cursor.execute(query, parameters)
            row = cursor.fetchone()
        return row[0] if row else None
