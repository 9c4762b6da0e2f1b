"""Where a PostgreSQL is and how to log in: reading it from a URL, and connecting."""

from __future__ import annotations

import os
import re
import socket
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlencode, urlsplit

import psycopg2
import psycopg2.extensions

from harness.environment.children import NO_FILE
from harness.environment.hidden import hidden
from harness.errors import EnvironmentSetupError

CONNECT_TIMEOUT_S = 5
OWN_SESSION = "poolstorm-harness"
ADMIN_SESSION = "poolstorm"
SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca")
SSL_FILES = ("sslrootcert", "sslcert", "sslkey")
OPTIONS = ("sslmode", *SSL_FILES)
"""What may follow the `?` of a URL; all else is the harness's affair, or would change what is measured."""
_FORM = "postgresql://USER:PASSWORD@HOST:PORT/DATABASE"
_SCHEME = re.compile(r"postgres(?:ql)?(?:\+(?P<driver>[a-z0-9_]+))?")
_DEFAULT_PORT = 5432


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server is and how to log in; the password is in neither `repr` nor `str`.

    `options` are pairs of names among `OPTIONS` and their values; files have absolute paths.
    """

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    database: str
    options: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        return f"{self.host}:{self.port}/{self.database}"

    def url(self, database: str, host: str | None = None, port: int | None = None) -> str:
        """A URL for any driver, straight or by way of a proxy at `host` and `port`. It holds the password."""
        login = f"{quote(self.user, safe='')}:{quote(self.password, safe='')}"
        place = host or self.host
        place = f"[{place}]" if ":" in place else place
        options = f"?{urlencode(self.options, quote_via=quote)}" if self.options else ""
        return f"postgresql://{login}@{place}:{port or self.port}/{quote(database, safe='')}{options}"


def parse_database_url(text: str) -> Address:
    """Read `postgresql://USER:PASSWORD@HOST:PORT/DATABASE`; port 5432 and database = user may be left out.

    A driver as SQLAlchemy writes it (`postgresql+asyncpg://`) may stand there and means nothing: each target
    chooses its own. Options may follow: `?sslmode=require&sslrootcert=FILE`. Raises EnvironmentSetupError, never
    quoting the text: it may hold a password in an unexpected place.
    """
    scheme, _, rest = text.partition("://")
    try:
        parts = urlsplit(f"//{rest}")  # a scheme with `_`, as of a driver, is none to urlsplit
        port = _DEFAULT_PORT if parts.port is None else parts.port
    except ValueError:
        raise EnvironmentSetupError(f"--database-url cannot be read; write it as {_FORM}") from None
    if not _SCHEME.fullmatch(scheme) or not parts.hostname or not parts.username:
        raise EnvironmentSetupError(f"--database-url is not complete; write it as {_FORM}")
    if port == 0:
        raise EnvironmentSetupError("--database-url names port 0, which is none; give the port of the server")
    if "@" in parts.path + parts.query + parts.fragment or parts.fragment:
        raise EnvironmentSetupError(
            "--database-url holds a sign that ends the password early; "
            "write @ as %40, / as %2F, # as %23 and ? as %3F"
        )
    user = unquote(parts.username)
    return Address(
        host=parts.hostname,
        port=port,
        user=user,
        password=unquote(parts.password or ""),
        database=unquote(parts.path.lstrip("/")) or user,
        options=_options(parts),
    )


def named_driver(text: str) -> str | None:
    """The driver that a URL names as SQLAlchemy writes it, such as `asyncpg`."""
    match = _SCHEME.fullmatch(text.partition("://")[0])
    return match["driver"] if match else None


def require_known(host: str) -> None:
    """Raises EnvironmentSetupError, without quoting it, for a host that has no address.

    It may be a piece of a password; libpq, asked to connect, would quote it.
    """
    try:
        if host.isdecimal():  # a number is an address to the system
            raise OSError
        socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise EnvironmentSetupError(
            f"the host of --database-url is not known here; correct it, or write the URL as {_FORM} "
            "with @ as %40 and / as %2F in the password"
        ) from None


def _options(parts: SplitResult) -> tuple[tuple[str, str], ...]:
    given = parse_qsl(parts.query, keep_blank_values=True)
    if foreign := [name for name, _ in given if name not in OPTIONS]:
        shown = ", ".join(name if _is_libpqs(name) else "one unknown" for name in foreign)
        raise EnvironmentSetupError(
            f"--database-url carries options that poolstorm does not take ({shown}); it takes {', '.join(OPTIONS)}"
        )
    if len({name for name, _ in given}) != len(given) or (parts.query and not given):
        raise EnvironmentSetupError("--database-url names an option twice, or none after its '?'; correct it")
    return tuple((name, _option(name, value)) for name, value in given)


def _is_libpqs(name: str) -> bool:
    """Whether libpq knows an option of that name; what it does not know may be a secret."""
    try:
        return name.isidentifier() and name in psycopg2.extensions.parse_dsn(f"{name}=1")
    except psycopg2.ProgrammingError:
        return False


def _option(name: str, value: str) -> str:
    if name == "sslmode":
        if value == "verify-full":
            raise EnvironmentSetupError(
                "sslmode=verify-full of --database-url compares the server's name, and targets reach it through a "
                "proxy on 127.0.0.1; use verify-ca"
            )
        if value not in SSL_MODES:
            raise EnvironmentSetupError(f"sslmode of --database-url is none of {', '.join(SSL_MODES)}; use one")
        return value
    path = Path(value).absolute()
    if not path.is_file() or not os.access(path, os.R_OK):
        raise EnvironmentSetupError(f"{name} of --database-url names no file that can be read; correct it")
    return str(path)


UNHURRIED = "-c statement_timeout=0 -c lock_timeout=0 -c idle_in_transaction_session_timeout=0"
"""What a role or a server may set for the sessions of applications does not bind those of the harness."""
_YOUNGER_LIMITS = """
    SELECT set_config(name, '0', false) FROM pg_settings
    WHERE name IN ('idle_session_timeout', 'transaction_timeout')
"""
"""Which a server may not know yet; unknown ones among `UNHURRIED` would keep it from answering."""


def connect(
    address: Address, database: str | None = None, kind: type[psycopg2.extensions.connection] | None = None
) -> psycopg2.extensions.connection:
    """A connection in autocommit. Raises psycopg2.OperationalError."""
    parameters: dict[str, str | int] = {
        "host": address.host,
        "port": address.port,
        "user": address.user,
        "password": address.password,
        "dbname": database or address.database,
        "connect_timeout": CONNECT_TIMEOUT_S,
        "application_name": ADMIN_SESSION,
        "options": UNHURRIED,
        "passfile": NO_FILE,  # the password is part of the URL: targets look nowhere else either
        **dict(address.options),
    }
    return _unhurried(psycopg2.connect(psycopg2.extensions.make_dsn(None, **parameters), connection_factory=kind))


def own_session(
    url: str, kind: type[psycopg2.extensions.connection] | None = None
) -> psycopg2.extensions.connection:
    """A session of the harness's own by a URL, in autocommit, under the name `OWN_SESSION`, so that it is not
    taken for the subject's. Raises psycopg2.OperationalError.
    """
    return _unhurried(
        psycopg2.connect(
            url,
            connection_factory=kind,
            connect_timeout=CONNECT_TIMEOUT_S,
            options=UNHURRIED,
            application_name=OWN_SESSION,
        )
    )


def _unhurried(connection: psycopg2.extensions.connection) -> psycopg2.extensions.connection:
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(_YOUNGER_LIMITS)
    return connection


def redacted(text: str, password: str) -> str:
    """The text without the password, as it is and as a URL writes it."""
    return hidden(text, {password, quote(password, safe="")} - {""})


def first_line(error: BaseException, address: Address) -> str:
    """The gist of a driver's error, on one line and without the password."""
    line = next(iter(str(error).strip().splitlines()), type(error).__name__)
    return redacted(line, address.password)
