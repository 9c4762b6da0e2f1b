"""What the harness's children see of the environment, and how Python modules of ours are started.

The environment of the user is not theirs: `PGHOSTADDR` would send them to another server, `http_proxy` through a
proxy, a locale would translate what is read, and a folder `harness/` in the working directory or on `PYTHONPATH`
would take this package's place. So a child gets what is listed here and what is meant for it, and nothing else.
"""

from __future__ import annotations

import os
import site
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

SYSTEM = (
    *("PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "TZ"),
    *("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH"),  # without, some Pythons do not start
)
"""What any program gets."""
PYTHON = ("VIRTUAL_ENV", "PYTHONHOME", "PYTHON_GIL")
"""What Python programs get beside: which Python it is, but no `PYTHONPATH` of the user's."""
BUILD = (
    *("http_proxy", "https_proxy", "all_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "NETRC", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"),
    *("GOPROXY", "GOSUMDB", "GONOSUMDB", "GONOPROXY", "GOPRIVATE", "GOINSECURE", "GOAUTH", "GOVCS"),
    *("GOROOT", "GOPATH", "GOCACHE", "GOMODCACHE", "GOENV", "GOFLAGS", "GOTOOLCHAIN"),
)
"""What a build that fetches its sources may have beside: the way out, and where things are kept."""
LOCALE = {"LC_ALL": "C.UTF-8", "PYTHONUTF8": "1"}
"""Text is UTF-8 and messages are English, whatever the terminal speaks."""
NO_FILE = "/dev/null/none"
"""A path that never exists: for a file that libpq would otherwise look for at home."""
_LIBPQ = "PG"
_NOT_FOR_LOCUSTFILES = (_LIBPQ, "LOCUST_", "POOLSTORM_", "PYTHON", "GEVENT", "LC_", "LANG")


def child_environment(*more: str, own: Mapping[str, str] | None = None) -> dict[str, str]:
    """The whole environment of a child: what any program gets, `more` of ours by name, and what is its `own`."""
    inherited = {name: os.environ[name] for name in (*SYSTEM, *more) if name in os.environ}
    return {**inherited, **LOCALE, **(own or {})}


def python_environment(own: Mapping[str, str] | None = None) -> dict[str, str]:
    """The whole environment of a Python program that finds this package, and is not misled on the way to it."""
    path = {} if (root := checkout()) is None else {"PYTHONPATH": str(root)}
    return child_environment(*PYTHON, own={"PYTHONUNBUFFERED": "1", **path, **(own or {})})


def module_command(module: str, *arguments: str | Path) -> list[str]:
    """The words that run a module with this interpreter; the working directory is not searched (`-P`)."""
    return [sys.executable, "-P", "-m", module, *map(str, arguments)]


def checkout() -> Path | None:
    """The folder that holds this package and is not searched anyway; None where it is installed."""
    root = Path(__file__).resolve().parents[2]
    searched = {*site.getsitepackages(), site.getusersitepackages(), *_scheme_folders()}
    return None if root in {Path(folder).resolve() for folder in searched} else root


def users_environment(own: Mapping[str, str] | None = None) -> dict[str, str]:
    """The whole environment of a user's own program: the user's, but for libpq's variables, which would lead it to
    another database than the one it is given; and what is its `own`.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(_LIBPQ)}
    return {**inherited, "PYTHONUNBUFFERED": "1", **(own or {})}


def locustfile_environment() -> dict[str, str]:
    """The whole environment of a load process that imports a user's locustfile: that of a Python program of ours,
    and of the user's what may be meant for the file. Locust's own variables would change what is run, ours hold
    a password, and Python's would have it find other modules.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_FOR_LOCUSTFILES)}
    return {**inherited, **python_environment()}


@contextmanager
def without_libpq_variables() -> Iterator[None]:
    """During the block no variable of libpq's is set in this process; asyncpg reads the same ones.

    They outrank what a connection leaves open, `PGHOSTADDR` even the host, and a new libpq knows new ones: so all
    go that begin as theirs do. libpq reads them by getenv(3), which sees what `os.environ` was told.
    """
    taken = {name: value for name, value in os.environ.items() if name.startswith(_LIBPQ)}
    for name in taken:
        del os.environ[name]
    try:
        yield
    finally:
        os.environ.update(taken)


def _scheme_folders() -> tuple[str, str]:
    paths = sysconfig.get_paths()
    return paths["purelib"], paths["platlib"]
