"""Git repositories for tests, made with the real program."""

from __future__ import annotations

import importlib.util
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import psutil

_IDENTITY = ("-c", "user.name=Ann", "-c", "user.email=ann@example.org", "-c", "protocol.file.allow=always")


def git(folder: Path, *words: str) -> str:
    """Run git there, heeding no configuration but the folder's, and return what it says."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    done = subprocess.run(
        ["git", *_IDENTITY, *words],
        cwd=folder,
        env={**environment, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def commit(folder: Path, files: Mapping[str, str], message: str) -> str:
    """Write the files, commit all that is there, and return the hash."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", message)
    return git(folder, "rev-parse", "HEAD")


def new_repository(folder: Path, branch: str = "main") -> Path:
    """An empty one."""
    folder.mkdir(parents=True)
    git(folder, "init", "--quiet", f"--initial-branch={branch}")
    return folder


def state_of(folder: Path) -> dict[str, tuple[int, int]]:
    """Every file and folder below, git's own among them, with when it was written and how long it is."""
    return {
        str(path.relative_to(folder)): (path.lstat().st_mtime_ns, path.lstat().st_size)
        for path in folder.rglob("*")
    }


def quick_python(environment: Path) -> str:
    """A Python in a virtual environment as users keep one. Others that it makes have our pip, and not a copy."""
    pip = importlib.util.find_spec("pip")
    assert pip is not None
    assert pip.origin is not None
    program = environment / "bin" / "python"
    program.parent.mkdir(parents=True)
    (environment / "pyvenv.cfg").touch()
    python, package = shlex.quote(sys.executable), shlex.quote(str(Path(pip.origin).parent))
    program.write_text(
        "#!/bin/sh\n"
        f'[ "$2" = venv ] || exec {python} "$@"\n'
        f'{python} "$@" --without-pip && ln -s {package} "$3"/lib/python*/site-packages/\n'
    )
    program.chmod(0o755)
    return str(program)


def has_ended(pid: int) -> bool:
    """Whether the process is gone, or waits for nothing but to be forgotten by its parent."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
