"""The doctor: what a run needs, what of it is there, and how to get the rest. It starts no server."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from harness.environment.account import server_account, temporary_parent
from harness.environment.children import child_environment
from harness.environment.embedded import embedded_binaries
from harness.environment.facts import cpu_model, git_state, usable_cores
from harness.environment.ports import HOST, ephemeral_range, listening_socket
from harness.environment.toxiproxy_binary import (
    VERSION,
    WAYS_TO_GET_IT,
    find,
    find_go,
    go_environment,
    server_folder,
)
from harness.errors import PoolstormError

OLDEST_PYTHON = (3, 11)
ENOUGH_PROCESSES = 1024  # of all that the user runs, threads included: each connection is one of PostgreSQL's
ENOUGH_OPEN_FILES = 1024
ENOUGH_CORES = 2
_INSTALL = "run 'make setup', or: pip install --require-hashes -r requirements.lock"
_CHECKOUT = Path(__file__).resolve().parents[1]


class State(StrEnum):
    """How a discovery turned out. Only `missing` keeps a run from working."""

    OK = "ok"
    WARNING = "warning"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Discovery:
    """One thing looked at: what was found and, unless all is well, how to mend it."""

    name: str
    state: State
    found: str
    remedy: str = ""


def diagnose() -> tuple[Discovery, ...]:
    """Look at everything that a run needs, the essential first. Never raises: a failed check is a discovery."""
    checks: tuple[tuple[str, Callable[[], Discovery]], ...] = (
        ("Python", check_python),
        ("packages", check_packages),
        ("PostgreSQL", check_postgres),
        ("Toxiproxy", check_toxiproxy),
        ("Go", check_go),
        ("cache folder", check_cache),
        ("loopback ports", check_ports),
        ("open files", check_open_files),
        ("processes", check_processes),
        ("processor", check_processor),
        ("git", check_git),
    )
    return tuple(_carefully(name, check) for name, check in checks)


def essential_missing(discoveries: Iterable[Discovery]) -> bool:
    """Whether a run cannot work."""
    return any(discovery.state is State.MISSING for discovery in discoveries)


def render(discoveries: Iterable[Discovery]) -> list[str]:
    """The discoveries as lines of text, remedies indented below."""
    listed = list(discoveries)
    width = max((len(discovery.name) for discovery in listed), default=0)
    lines = []
    for discovery in listed:
        lines.append(f"{discovery.state.value:<8} {discovery.name:<{width}}  {discovery.found}")
        if discovery.remedy:
            lines.append(f"{'':<8} {'':<{width}}  -> {discovery.remedy}")
    return lines


def check_python() -> Discovery:
    """Python itself."""
    found = f"{platform.python_version()} ({platform.python_implementation()})"
    if sys.version_info < OLDEST_PYTHON:
        return Discovery("Python", State.MISSING, found, "use Python 3.11 or later: make setup PYTHON=python3.11")
    return Discovery("Python", State.OK, found)


def check_packages() -> Discovery:
    """Every package that the distribution requires, by what its own metadata says."""
    try:
        required = importlib.metadata.requires("poolstorm") or []
    except importlib.metadata.PackageNotFoundError:
        return Discovery("packages", State.WARNING, "poolstorm itself is not installed", _INSTALL)
    names = required_names(required)
    missing = [name for name in names if not _installed(name)]
    if missing:
        return Discovery("packages", State.MISSING, f"not installed: {', '.join(missing)}", _INSTALL)
    return Discovery("packages", State.OK, f"all {len(names)} installed")


def required_names(requirements: Iterable[str]) -> list[str]:
    """Names in requirement lines, without those of extras; `uvloop>=0.23; sys_platform != 'win32'` is `uvloop`."""
    plain = (line for line in requirements if "extra ==" not in line)
    return [match.group() for line in plain if (match := re.match(r"[A-Za-z0-9._-]+", line.strip()))]


def check_postgres() -> Discovery:
    """The embedded PostgreSQL, and an account that may run it."""
    binaries = embedded_binaries()
    version = subprocess.run(
        [binaries / "postgres", "--version"],
        capture_output=True,
        text=True,
        timeout=10,
        check=False,
        env=child_environment(),
    )
    found = version.stdout.strip().removeprefix("postgres (PostgreSQL) ")
    if version.returncode != 0 or not found:
        raise OSError(f"the embedded server does not run here: {version.stderr.strip()[:200]}")
    account = server_account()
    temporary_parent(account)
    if account is None:
        return Discovery("PostgreSQL", State.OK, f"{found}, embedded, runs as yourself")
    how = "" if account.can_run(binaries / "postgres") else " from a copy, as it cannot enter the package's folder"
    return Discovery(
        "PostgreSQL", State.OK, f"{found}, embedded, runs as {account.name!r} because you are root{how}"
    )


def check_toxiproxy() -> Discovery:
    """The Toxiproxy server, or the means to build it."""
    server = find()
    if server is not None:
        where = "on PATH" if server.source == "path" else "built and cached"
        return Discovery("Toxiproxy", State.OK, f"{server.version}, {where}")
    if find_go() is not None:
        return Discovery(
            "Toxiproxy", State.OK, f"not built yet; {VERSION} will be built at the first run, about 20 s"
        )
    return Discovery("Toxiproxy", State.MISSING, "neither found nor can it be built", WAYS_TO_GET_IT)


def check_go() -> Discovery:
    """Go, which only building Toxiproxy needs."""
    go = find_go()
    if go is None:
        if find() is not None:
            return Discovery("Go", State.OK, "none, and none needed: Toxiproxy is there")
        return Discovery("Go", State.WARNING, "none", "pip install --require-hashes -r requirements-go.lock")
    done = subprocess.run(
        [go.program, "version"], capture_output=True, text=True, timeout=30, check=False, env=go_environment(go)
    )
    if done.returncode != 0:
        raise OSError(f"go does not run: {done.stderr.strip()[:200]}")
    return Discovery("Go", State.OK, done.stdout.strip().removeprefix("go version "))


def check_cache() -> Discovery:
    """The folder that keeps what was built."""
    folder = server_folder()
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    if os.access(existing, os.W_OK | os.X_OK):
        return Discovery("cache folder", State.OK, str(folder))
    state = State.WARNING if find() is not None else State.MISSING
    return Discovery(
        "cache folder", state, f"{folder} cannot be written", "mend its permissions or set POOLSTORM_CACHE"
    )


def check_ports() -> Discovery:
    """Listening on loopback."""
    with listening_socket(None) as listener:
        port = listener.getsockname()[1]
    first, last = ephemeral_range()
    if first <= port <= last:
        return Discovery(
            "loopback ports",
            State.WARNING,
            f"none free outside the ephemeral range {first}-{last}",
            "narrow the range (sysctl net.ipv4.ip_local_port_range): a connection may else take a proxy's port",
        )
    return Discovery("loopback ports", State.OK, f"{HOST} can be listened on, outside {first}-{last}")


def check_open_files() -> Discovery:
    """The limit of open files, which many connections need."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < ENOUGH_OPEN_FILES:
        return Discovery("open files", State.WARNING, f"limit {soft}", f"ulimit -n {ENOUGH_OPEN_FILES} or more")
    return Discovery("open files", State.OK, "no limit" if soft == resource.RLIM_INFINITY else f"limit {soft}")


def check_processes() -> Discovery:
    """The limit of processes and threads of one user, which binds everyone but root."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NPROC)
    if soft == resource.RLIM_INFINITY or os.geteuid() == 0:
        return Discovery("processes", State.OK, "no limit")
    if soft < ENOUGH_PROCESSES:
        return Discovery("processes", State.WARNING, f"limit {soft}", f"ulimit -u {ENOUGH_PROCESSES} or more")
    return Discovery("processes", State.OK, f"limit {soft}")


def check_processor() -> Discovery:
    """Cores, and whether they are busy with something else."""
    cores, load_1m = usable_cores(), os.getloadavg()[0]
    found = f"{cores} cores, load {load_1m:.1f}, {cpu_model()}"
    if cores < ENOUGH_CORES:
        return Discovery(
            "processor", State.WARNING, found, "use two cores or more: load and target share one here"
        )
    if load_1m > cores / 2:
        return Discovery("processor", State.WARNING, found, "end other work first: it would show in the figures")
    return Discovery("processor", State.OK, found)


def check_git() -> Discovery:
    """The checkout's revision, which a run records if it can."""
    if shutil.which("git") is None:
        return Discovery("git", State.OK, "none; runs will not record a revision")
    revision, dirty = git_state(_CHECKOUT)
    if revision is None:
        return Discovery("git", State.OK, "not in a checkout; runs will not record a revision")
    return Discovery("git", State.OK, f"{revision[:12]}{', with uncommitted changes' if dirty else ''}")


def _installed(name: str) -> bool:
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def _carefully(name: str, check: Callable[[], Discovery]) -> Discovery:
    try:
        return check()
    except PoolstormError as error:
        found, _, remedy = str(error).rpartition("; ")
        return Discovery(name, State.MISSING, found or remedy, remedy if found else "")
    except (OSError, subprocess.SubprocessError) as error:
        return Discovery(name, State.MISSING, str(error), "mend that, or see the README on what a run needs")
