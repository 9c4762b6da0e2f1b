"""How a trial's connections log in: what the server needs for it is there only as long as the trial.

By password is what there is. Trust is a role of its own that may do nothing but use the trial's database, and that
a line of pg_hba.conf lets in from this machine; both go with the trial. TLS is turned on with a certificate made
for the trial, and off again, as drivers left to themselves would take it in other trials, too.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import replace

import psycopg2
import psycopg2.errors
from psycopg2 import sql

from harness.environment.address import Address, connect, first_line
from harness.environment.children import child_environment
from harness.environment.database import TrialDatabase
from harness.environment.embedded import BINARIES_VARIABLE, EmbeddedServer
from harness.environment.leash import ending
from harness.environment.ports import HOST
from harness.errors import LoginUnavailableError
from harness.records import Login

OPENSSL = "openssl"
_IN_FORCE_WITHIN_S = 5.0
_ENCRYPTED = ("require", "verify-ca")
_RULES = "pg_hba.conf"
_CERTIFICATE, _KEY = "server.crt", "server.key"  # PostgreSQL's own names for them


def logging_in(database: TrialDatabase, login: Login) -> AbstractContextManager[Address]:
    """Where and as whom the trial's subject connects; the address of the server, past the proxy.

    Raises LoginUnavailableError, at once or when the block is entered, where the server cannot offer that.
    """
    embedded = database.server.embedded
    if login is Login.TRUST:
        if embedded is None:
            raise _unavailable(login, _NOT_OURS)
        return _trusted(database, embedded)
    if login is Login.TLS:
        return _given_tls(database.server.address) if embedded is None else _own_tls(database, embedded)
    return _unchanged(database.server.address)


_NOT_OURS = (
    "who may log in to a given server is not changed; leave --database-url out to have one of poolstorm's own"
)


def _unavailable(login: Login, why: str) -> LoginUnavailableError:
    return LoginUnavailableError(f"the login {login.value!r} cannot be had: {why}")


@contextmanager
def _unchanged(address: Address) -> Iterator[Address]:
    yield address


@contextmanager
def _given_tls(address: Address) -> Iterator[Address]:
    """Whatever the URL asks for beside, as long as it is TLS."""
    encrypted = _encrypted(address)
    if problem := _problem(encrypted, address.database):
        raise _unavailable(Login.TLS, f"{problem}; set ssl = on in the given server")
    yield encrypted


def _encrypted(address: Address) -> Address:
    options = dict(address.options)
    if options.get("sslmode") not in _ENCRYPTED:
        options["sslmode"] = _ENCRYPTED[0]
    return replace(address, options=tuple(options.items()))


# --- trust -----------------------------------------------------------------------------------------------


@contextmanager
def _trusted(database: TrialDatabase, server: EmbeddedServer) -> Iterator[Address]:
    role, rules = database.server.trusted_role, server.configuration / _RULES
    usual = rules.read_text()
    _create_role(database)
    with ending(lambda: _drop_role(database, server)), ending(lambda: rules.write_text(usual)):
        rules.write_text(f"host {database.name} {role} {HOST}/32 trust\n{usual}")
        _reload(database)
        address = replace(database.server.address, user=role, password="")
        _wait_until_in_force(Login.TRUST, address, database.name)
        yield address


def _create_role(database: TrialDatabase) -> None:
    """It may use what there is, and neither own nor create anything."""
    role = sql.Identifier(database.server.trusted_role)
    _carry_out(
        database,
        sql.SQL("CREATE ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE").format(role),
        sql.SQL("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {}").format(role),
        sql.SQL("GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {}").format(role),
    )


def _drop_role(database: TrialDatabase, server: EmbeddedServer) -> None:
    """The rules have been put back already, and are read again."""
    if server.died():
        return
    database.server.end_sessions(database.name)
    role = sql.Identifier(database.server.trusted_role)
    _carry_out(
        database,
        sql.SQL("SELECT pg_reload_conf()"),
        sql.SQL("DROP OWNED BY {}").format(role),
        sql.SQL("DROP ROLE {}").format(role),
    )


# --- TLS -------------------------------------------------------------------------------------------------


@contextmanager
def _own_tls(database: TrialDatabase, server: EmbeddedServer) -> Iterator[Address]:
    with ending(lambda: _turn_off(database, server)):
        _turn_on(database, server)
        address = _encrypted(database.server.address)
        _wait_until_in_force(Login.TLS, address, database.name)
        yield address


def _turn_on(database: TrialDatabase, server: EmbeddedServer) -> None:
    try:
        _carry_out(database, sql.SQL("ALTER SYSTEM SET ssl = on"))
    except (psycopg2.errors.InvalidParameterValue, psycopg2.errors.FeatureNotSupported) as error:
        raise _unavailable(Login.TLS, _WITHOUT_TLS) from error
    _make_certificate(server)
    _reload(database)


_WITHOUT_TLS = (
    "this build of PostgreSQL knows no TLS; "
    f"name binaries that do with {BINARIES_VARIABLE}, or give a server that has it with --database-url"
)


def _turn_off(database: TrialDatabase, server: EmbeddedServer) -> None:
    for name in (_CERTIFICATE, _KEY):
        (server.configuration / name).unlink(missing_ok=True)
    if not server.died():
        _carry_out(database, sql.SQL("ALTER SYSTEM RESET ssl"), sql.SQL("SELECT pg_reload_conf()"))
        deadline_s = time.monotonic() + _IN_FORCE_WITHIN_S
        while not _problem(_encrypted(database.server.address), database.name) and time.monotonic() < deadline_s:
            time.sleep(0.01)  # the next trial's drivers would still take it


def _make_certificate(server: EmbeddedServer) -> None:
    """Signed by itself, for this machine's loopback and two days; the key is for the server's account alone.

    RSA with 2048 bits is what most servers have, and what a handshake costs depends on it.
    """
    program = shutil.which(OPENSSL)
    if program is None:
        raise _unavailable(Login.TLS, f"there is no {OPENSSL!r} to make a certificate with; install it")
    certificate, key = server.configuration / _CERTIFICATE, server.configuration / _KEY
    for path in (certificate, key):
        path.touch(mode=0o600)
        server.own(path)
    options = f"-x509 -newkey rsa:2048 -nodes -days 2 -subj /CN={HOST} -addext subjectAltName=IP:{HOST}".split()
    command = [program, "req", *options, "-keyout", str(key), "-out", str(certificate)]
    done = subprocess.run(
        command, env=child_environment(), capture_output=True, text=True, check=False, timeout=60
    )
    if done.returncode != 0:
        gist = next(iter(done.stderr.strip().splitlines()[-1:]), "no reason given")
        raise _unavailable(Login.TLS, f"{OPENSSL} made no certificate ({gist}); see 'openssl version'")


# --- both ------------------------------------------------------------------------------------------------


def _carry_out(database: TrialDatabase, *statements: sql.Composable) -> None:
    """Each by itself, as the harness's role, in the trial's database."""
    with closing(connect(database.server.address, database.name)) as connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def _reload(database: TrialDatabase) -> None:
    _carry_out(database, sql.SQL("SELECT pg_reload_conf()"))


def _wait_until_in_force(login: Login, address: Address, database: str) -> None:
    """The server reads its configuration again when it comes to it, and keeps the old one where it is wrong."""
    deadline_s = time.monotonic() + _IN_FORCE_WITHIN_S
    while problem := _problem(address, database):
        if time.monotonic() > deadline_s:
            raise _unavailable(login, f"{problem}; see the server's log")
        time.sleep(0.01)


def _problem(address: Address, database: str) -> str:
    """Why there is no way in, empty where there is one.

    The error itself goes: it holds the connection, and while a session waits for a password, no database can be
    dropped.
    """
    try:
        connect(address, database).close()
    except psycopg2.OperationalError as error:
        return first_line(error, address).removesuffix(".")
    return ""
