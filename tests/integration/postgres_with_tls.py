"""A PostgreSQL of the system's that knows TLS, which the wheel's does not."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

import pytest

_PLACES = (
    "usr/lib/postgresql/*/bin",
    "usr/pgsql-*/bin",
    "usr/local/pgsql/bin",
    "opt/homebrew/opt/postgresql*/bin",
)


def binaries_with_tls() -> Path:
    """The newest. Skips the test where the system has none: `apt-get install postgresql` brings one."""
    found = _found()
    if found is None:
        pytest.skip("the system has no PostgreSQL that knows TLS")
    return found


@cache
def _found() -> Path | None:
    folders = (folder for place in _PLACES for folder in sorted(Path("/").glob(place), reverse=True))
    return next((folder for folder in folders if _knows_tls(folder)), None)


def _knows_tls(folder: Path) -> bool:
    needed = ("postgres", "initdb", "pg_config")
    if not all((folder / name).is_file() for name in needed):
        return False
    said = subprocess.run([folder / "pg_config", "--configure"], capture_output=True, text=True, check=False)
    return "--with-openssl" in said.stdout or "--with-ssl=openssl" in said.stdout
