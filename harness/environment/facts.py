"""Where a run is done: what a reader of its figures has to know of the machine and the versions."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Protocol

import psutil
import psycopg2.extensions

from harness.environment.children import child_environment
from harness.records import Environment, Machine

NOTABLE_PACKAGES = (
    "asyncpg",
    "fastapi",
    "gevent",
    "greenlet",
    "hdrhistogram",
    "httptools",
    "locust",
    "psycopg",
    "psycopg-pool",
    "psycopg2-binary",
    "pydantic",
    "sqlalchemy",
    "sqlmodel",
    "starlette",
    "toxiproxy-python",
    "uvicorn",
    "uvloop",
)
_CPU_INFO = Path("/proc/cpuinfo")
_CPU_MODEL_KEYS = ("model name", "Hardware", "cpu model", "Model")
_GOVERNORS = "devices/system/cpu/cpu*/cpufreq/scaling_governor"
_CHECKOUT = Path(__file__).resolve().parents[2]


class DatabaseFacts(Protocol):
    """What is asked of the database server."""

    @property
    def origin(self) -> str: ...

    @property
    def version(self) -> str: ...

    def settings(self) -> dict[str, str]: ...


class ToxiproxyFacts(Protocol):
    """What is asked of the Toxiproxy server."""

    @property
    def version(self) -> str: ...

    @property
    def source(self) -> str: ...


def describe_environment(
    database: DatabaseFacts, toxiproxy: ToxiproxyFacts, checkout: Path = _CHECKOUT
) -> Environment:
    """The facts to record with a run; neither addresses nor names of machine or user are among them."""
    revision, dirty = git_state(checkout)
    load_1m, load_5m, _ = os.getloadavg()
    return Environment(
        python=python_version(),
        platform=f"{platform.system()} {platform.machine()}",
        kernel=platform.release(),
        cpu_model=cpu_model(),
        cpu_count=usable_cores(),
        memory_mib=round(psutil.virtual_memory().total / 2**20),
        load_1m=round(load_1m, 2),
        postgres=database.version,
        postgres_settings=database.settings(),
        database_origin=database.origin,
        toxiproxy=f"{toxiproxy.version} ({toxiproxy.source})",
        packages=package_versions(),
        git_revision=revision,
        git_dirty=dirty,
        gil=gil_is_on(),
        libpq=libpq_version(psycopg2.extensions.libpq_version()),
        cpu_governor=cpu_governor(),
        cpu_limit=cpu_limit(),
        memory_limit_mib=memory_limit_mib(),
        load_5m=round(load_5m, 2),
        steal_known=hasattr(psutil.cpu_times(), "steal"),
        pressure_known=Path("/proc/pressure/cpu").is_file(),
    )


def this_machine() -> Machine:
    """What noise depends on, as far as the system tells it."""
    return Machine(
        platform=f"{platform.system()} {platform.machine()}",
        cpu_model=cpu_model(),
        cpu_count=usable_cores(),
        cpu_limit=cpu_limit(),
        memory_mib=round(psutil.virtual_memory().total / 2**20),
    )


def python_version() -> str:
    """Such as `CPython 3.12.3`."""
    return f"{platform.python_implementation()} {platform.python_version()}"


def own_revision() -> str | None:
    """The revision of the checkout that runs; None where it is installed, or has no repository."""
    return git_state(_CHECKOUT)[0]


def gil_is_on() -> bool:
    """Whether one thread at a time runs Python code; False only in a free-threaded build."""
    is_enabled = getattr(sys, "_is_gil_enabled", None)  # since Python 3.13
    return True if is_enabled is None else bool(is_enabled())


def libpq_version(number: int) -> str:
    """The version that libpq writes as a number: 170002 is 17.2, 90624 is 9.6.24."""
    if number >= 100_000:
        return f"{number // 10_000}.{number % 10_000}"
    return f"{number // 10_000}.{number // 100 % 100}.{number % 100}"


def cpu_governor(system: Path = Path("/sys")) -> str | None:
    """The frequency governors of the processors; None where the system names none, as virtual machines do."""
    names = {_read(path) for path in system.glob(_GOVERNORS)} - {None, ""}
    return ", ".join(sorted(str(name) for name in names)) or None


def cpu_limit(root: Path = Path("/sys/fs/cgroup"), own: Path = Path("/proc/self/cgroup")) -> float | None:
    """How many processors' time the container may use (cgroup v2), the tightest limit of all that hold."""
    limits = []
    for folder in _control_groups(root, own):
        quota, _, period = (_read(folder / "cpu.max") or "max").partition(" ")
        if quota.isdecimal() and period.isdecimal() and int(period):
            limits.append(round(int(quota) / int(period), 2))
    return min(limits, default=None)


def memory_limit_mib(root: Path = Path("/sys/fs/cgroup"), own: Path = Path("/proc/self/cgroup")) -> int | None:
    """How much memory the container may use (cgroup v2), the tightest limit of all that hold."""
    texts = [_read(folder / "memory.max") or "" for folder in _control_groups(root, own)]
    return min((int(text) >> 20 for text in texts if text.isdecimal()), default=None)


def _control_groups(root: Path, own: Path) -> list[Path]:
    """The folders of this process's control group and of all above it; a limit of any of them holds."""
    for line in (_read(own) or "").splitlines():
        if line.startswith("0::/"):  # version 2; others are listed beside it
            folder = root / line.removeprefix("0::/")
            return [folder, *(parent for parent in folder.parents if parent.is_relative_to(root))]
    return []


def _read(path: Path) -> str | None:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return None


def cpu_model() -> str:
    """The processor's name as the system gives it, else its architecture."""
    try:
        return parse_cpu_model(_CPU_INFO.read_text(errors="replace")) or platform.machine()
    except OSError:
        return platform.processor() or platform.machine()


def parse_cpu_model(cpuinfo: str) -> str | None:
    """The model in the text of /proc/cpuinfo; None where it names none, as on some ARM machines."""
    for line in cpuinfo.splitlines():
        key, colon, value = line.partition(":")
        if colon and key.strip() in _CPU_MODEL_KEYS and value.strip():
            return " ".join(value.split())
    return None


def usable_cores() -> int:
    """How many cores this process may use, which in a container can be fewer than there are."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def package_versions() -> dict[str, str]:
    """The versions of the packages that bear on figures; one that is not installed is left out."""
    found = {}
    for name in NOTABLE_PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def git_state(checkout: Path) -> tuple[str | None, bool | None]:
    """The revision of a checkout, and whether files differ from it; (None, None) where there is none.

    The folder itself has to be the root of the checkout: an installation inside someone else's is not ours.
    """
    root = _git(checkout, "rev-parse", "--show-toplevel")
    if root is None or Path(root).resolve() != checkout.resolve():
        return None, None
    revision = _git(checkout, "rev-parse", "HEAD")
    status = _git(checkout, "status", "--porcelain")
    return revision, bool(status) if status is not None else None


def _git(checkout: Path, *words: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(checkout), *words],
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
            env=child_environment("XDG_CONFIG_HOME"),  # no GIT_DIR, which would name another repository
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
