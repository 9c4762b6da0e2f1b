"""Under which account PostgreSQL runs: it refuses root, and what it runs as must reach its files."""

from __future__ import annotations

import os
import pwd
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from harness.errors import EnvironmentSetupError

CANDIDATES = ("nobody", "postgres", "daemon")
"""Accounts that exist nearly everywhere; none is ever created."""
_INSTEAD = "run as another user, or give a server with --database-url"


@dataclass(frozen=True, slots=True)
class Account:
    """An unprivileged account: its name and numbers."""

    name: str
    uid: int
    gid: int

    def own(self, *paths: Path) -> None:
        """Hand files, folders and links (not what they point at) over to the account.

        Raises EnvironmentSetupError where the system does not let us, as it may not let root in a container.
        """
        for path in paths:
            try:
                os.chown(path, self.uid, self.gid, follow_symlinks=False)
            except PermissionError as error:
                raise EnvironmentSetupError(
                    f"PostgreSQL does not run as root, and this root may give no file to {self.name!r}; {_INSTEAD}"
                ) from error

    def require_reachable(self) -> None:
        """Raises EnvironmentSetupError where the system does not let us become this account."""
        try:
            self._succeeds("/bin/sh", "-c", ":")
        except OSError as error:
            raise EnvironmentSetupError(
                f"PostgreSQL does not run as root, and this root may not become {self.name!r} "
                f"({error.strerror}); {_INSTEAD}"
            ) from error

    def can_run(self, program: Path) -> bool:
        """Whether the account reaches and may run a program; asked of the system by trying `--version`."""
        try:
            return self._succeeds(program, "--version", within_s=10)
        except (OSError, subprocess.TimeoutExpired):
            return False

    def can_enter(self, folder: Path) -> bool:
        """Whether the account may pass through a folder and all above it."""
        return self._succeeds("/bin/sh", "-c", 'cd "$1"', "sh", str(folder))

    def _succeeds(self, *words: str | Path, within_s: float | None = None) -> bool:
        """Whether a program that the account runs says so. Raises OSError and subprocess.TimeoutExpired."""
        done = subprocess.run(
            words,
            user=self.uid,
            group=self.gid,
            extra_groups=[],
            cwd="/",
            env={},
            capture_output=True,
            timeout=within_s,
            check=False,
        )
        return done.returncode == 0


def server_account() -> Account | None:
    """The account to run a server as: None for our own, which is right for everyone but root.

    Raises EnvironmentSetupError where root finds no other account or may not become it, and where our own has no
    name: PostgreSQL's setup asks for it, and a container may be run as a number that nobody bears.
    """
    if (own := os.geteuid()) != 0:
        _require_name(own)
        return None
    for name in CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            account = Account(name, entry.pw_uid, entry.pw_gid)
            account.require_reachable()
            return account
    raise EnvironmentSetupError(f"PostgreSQL does not run as root and there is no account 'nobody'; {_INSTEAD}")


def _require_name(uid: int) -> None:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        raise EnvironmentSetupError(
            f"PostgreSQL cannot be set up by user {uid}, who has no name here; run as a user who has one "
            "(in /etc/passwd), or give a server with --database-url"
        ) from None


def temporary_parent(account: Account | None) -> Path:
    """Where temporary folders go: the usual place, or /tmp or /var/tmp where the account cannot enter that.

    Raises EnvironmentSetupError where none will do.
    """
    usual = Path(tempfile.gettempdir()).resolve()
    if account is None:
        return usual
    for folder in (usual, Path("/tmp"), Path("/var/tmp")):
        if folder.is_dir() and account.can_enter(folder):
            return folder
    raise EnvironmentSetupError(
        f"account {account.name!r}, which runs PostgreSQL, can enter no temporary folder; "
        "set TMPDIR to one that it can"
    )
