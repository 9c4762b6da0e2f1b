"""PostgreSQL's own programs: where an account can run them, and of which version they are."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from harness.environment.account import Account
from harness.errors import EnvironmentSetupError

PLAIN_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


def runnable_binaries(binaries: Path, folder: Path, account: Account | None) -> Path:
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


def major_version(binaries: Path) -> int:
    """Of the server that lies there: 18 of `postgres (PostgreSQL) 18.4`. Raises EnvironmentSetupError."""
    program = binaries / "postgres"
    try:
        done = subprocess.run(
            [program, "--version"], capture_output=True, text=True, timeout=10, check=False, env=PLAIN_ENVIRONMENT
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EnvironmentSetupError(
            f"{program} does not run ({type(error).__name__}); see 'poolstorm doctor'"
        ) from error
    found = re.search(r"\) (\d+)", done.stdout)
    if found is None:
        raise EnvironmentSetupError(f"{program} does not tell its version; see 'poolstorm doctor'")
    return int(found[1])
