"""Git, so that it changes nothing of the user's and runs nothing of theirs: no hooks, no prompts, no locks."""

from __future__ import annotations

import shutil
import signal
import subprocess
from pathlib import Path
from types import MappingProxyType

from harness.environment.children import child_environment
from harness.environment.embedded import ends_well
from harness.environment.leash import Leash
from harness.errors import EnvironmentSetupError

ASKED_WITHIN_S = 60.0
_ALWAYS = ("-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "gc.auto=0")
_WITHOUT_FETCHING = ("-c", "protocol.allow=never")  # of what a partial clone lacks
_QUIET = MappingProxyType(
    {
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_OPTIONAL_LOCKS": "0",  # `git status` would write the index
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_LFS_SKIP_SMUDGE": "1",
    }
)
_OWN = MappingProxyType({**_QUIET, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"})


def require_git() -> None:
    """Raises EnvironmentSetupError where there is no such program."""
    if shutil.which("git") is None:
        raise EnvironmentSetupError("two revisions are compared, and there is no program 'git'; install it")


def ask_git(folder: Path, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """What git says of a folder of the user's, or of ours. The user's configuration is heeded, for what they
    ignore and whose folders they trust; variables such as GIT_DIR are not.

    Raises EnvironmentSetupError where git cannot be run or does not end.
    """
    require_git()
    try:
        return subprocess.run(
            ["git", *_ALWAYS, *_WITHOUT_FETCHING, *words],
            cwd=folder,
            env=child_environment("XDG_CONFIG_HOME", own=_QUIET),
            input=stdin,
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
            timeout=ASKED_WITHIN_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise EnvironmentSetupError(
            f"git {words[0]} did not end in {ASKED_WITHIN_S:g} s; see what keeps it busy"
        ) from None
    except OSError as error:
        raise EnvironmentSetupError(f"git cannot be run: {error.strerror or error}") from error


def told_by_git(folder: Path, *words: str) -> str | None:
    """Its answer without the last line end; None where it says no."""
    done = ask_git(folder, *words)
    return done.stdout.removesuffix("\n") if done.returncode == 0 else None


def listed_by_git(folder: Path, *words: str) -> list[str]:
    """An answer of parts that end with a NUL; empty where it says no."""
    return [part for part in (told_by_git(folder, *words) or "").split("\0") if part]


def run_git(leash: Leash, folder: Path, *words: str, log: Path, within_s: float) -> str:
    """Have git work on a folder of ours, under no configuration but that folder's. Empty where it went well, else
    how it ended.
    """
    child = leash.start(
        ["git", *_ALWAYS, *_WITHOUT_FETCHING, *words],
        env=child_environment(own=_OWN),
        log_path=log,
        name=f"git {words[0]}",
        stop_signal=signal.SIGTERM,
        cwd=folder,
    )
    try:
        return "" if ends_well(child, within_s) else child.end_description()
    except subprocess.TimeoutExpired:
        return f"{child.name} did not end in {within_s:g} s"
