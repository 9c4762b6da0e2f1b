"""Reads a project's folder, within bounds and never through links; of `.env` files names only."""

from __future__ import annotations

import os
import re
import stat
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from harness.apps.environments import is_environment
from harness.apps.starter.project import Project
from harness.errors import PlanError, is_printable, shown

MOST_FILES = 3000
MOST_ENTRIES = 500_000
"""Files and folders that are passed by: those of a large project are mostly data, a few µs each."""
MOST_BYTES = 4_000_000
"""Some five seconds of looking."""
LARGEST_FILE = 400_000
DEEPEST = 10

_NOT_ITS_OWN = frozenset(
    {
        *("node_modules", "site-packages", "__pycache__", "__pypackages__", "venv", "env", "dist", "build"),
        *("htmlcov", "vendor", "runs"),
    }
)
_READ = frozenset({".py", ".ini", ".toml", ".cfg", ".yml", ".yaml", ".sh", ".mako"})
_READ_BY_NAME = frozenset(
    {
        *(
            "Dockerfile",
            "Procfile",
            "Makefile",
            "justfile",
            "Pipfile",
            "requirements.txt",
            "uv.lock",
            "poetry.lock",
        ),
        *("package.json", "go.mod", "Cargo.toml", "pom.xml", "build.gradle", "Gemfile", "mix.exs"),
    }
)
_NAMES_ONLY_FOR_BEING_THERE = frozenset({"uv.lock", "poetry.lock"})
_PROGRAMS = ("uvicorn", "alembic", "python")
_SETTING = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*[\"']?([a-z][a-z0-9+]*://)?")


def read_project(folder: Path) -> Project:
    """Everything of it that tells how it is started. Raises PlanError where there is no such folder."""
    if not folder.is_dir():
        raise PlanError(f"there is no folder {shown(str(folder))}; name the one of your project")
    texts: dict[str, str] = {}
    programs: set[str] = set()
    left, partly = MOST_BYTES, False
    for number, entry in enumerate(_entries(folder)):
        if number >= MOST_ENTRIES or len(texts) >= MOST_FILES or left <= 0:
            partly = True
            break
        is_folder = entry.is_dir(follow_symlinks=False)
        if not is_folder and not _is_read(entry.name):
            continue
        path = Path(entry.path).relative_to(folder).as_posix()
        if is_folder:
            programs.update(_programs(Path(entry.path), path))
        elif is_printable(path):
            text = _text(entry)
            if text is None:
                partly = True
                continue
            left -= len(text)
            texts[path] = text
    return Project(texts, frozenset(programs), partly)


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    """What lies in it, the nearest first; virtual environments are told and not entered."""
    waiting = deque([(str(folder), 0)])
    while waiting:
        place, depth = waiting.popleft()
        try:
            with os.scandir(place) as found:
                entries = sorted(_at_most(found, MOST_ENTRIES), key=lambda entry: entry.name)
        except OSError:
            continue
        for entry in entries:
            if entry.is_symlink():
                continue
            yield entry
            if depth < DEEPEST and entry.is_dir(follow_symlinks=False) and not _is_foreign(entry):
                waiting.append((entry.path, depth + 1))


def _at_most(found: Iterator[os.DirEntry[str]], most: int) -> Iterator[os.DirEntry[str]]:
    for number, entry in enumerate(found):
        if number >= most:
            return
        yield entry


def _is_foreign(folder: os.DirEntry[str]) -> bool:
    return folder.name.startswith(".") or folder.name in _NOT_ITS_OWN or is_environment(folder)


def _programs(folder: Path, path: str) -> Iterator[str]:
    """Those of a virtual environment that a service is started with."""
    if is_environment(folder):
        for name in _PROGRAMS:
            if is_printable(path) and os.access(folder / "bin" / name, os.X_OK):
                yield f"{path}/bin/{name}"


def is_env_file(name: str) -> bool:
    """Whether it holds variables: `.env`, `.env.example`, `dev.env`."""
    return name.startswith(".env") or name.endswith((".env", ".env.example"))


def _is_read(name: str) -> bool:
    return os.path.splitext(name)[1] in _READ or name in _READ_BY_NAME or is_env_file(name)  # noqa: PTH122


def _text(entry: os.DirEntry[str]) -> str | None:
    """None for what is too large or no text. What is not UTF-8 is read as Latin-1: names are ASCII in either."""
    if entry.name in _NAMES_ONLY_FOR_BEING_THERE:
        return ""
    try:
        about = entry.stat(follow_symlinks=False)
        if not stat.S_ISREG(about.st_mode) or about.st_size > LARGEST_FILE:
            return None
        content = Path(entry.path).read_bytes()[: LARGEST_FILE + 1]
    except OSError:
        return None
    if b"\0" in content:
        return None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    return names_only(text) if is_env_file(entry.name) else text


def names_only(text: str) -> str:
    """The variables of a `.env` file without their values; of an address its scheme stays: `DB=postgresql://`."""
    found = (_SETTING.match(line) for line in text.splitlines())
    return "".join(f"{match[1]}={match[2] or ''}\n" for match in found if match)
