"""What an app needs, installed into a virtual environment of its own, as its folder says or as the user does."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import tomllib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from harness.apps.environments import is_environment
from harness.apps.subjects import words_of
from harness.environment.bounded_log import bounded_log
from harness.environment.children import users_environment
from harness.environment.embedded import ends_well
from harness.environment.leash import Leash
from harness.errors import EnvironmentSetupError, PlanError, plain_line, shown

INSTALLED_WITHIN_S = 600.0
COMPILED_WITHIN_S = 120.0
USERS_ENVIRONMENTS = (".venv", "venv", "env")
"""Folders in which people keep a virtual environment beside an app."""
_UV_LOCK = "uv.lock"
_LOCKS = (_UV_LOCK, "poetry.lock", "pdm.lock", "Pipfile.lock", "pylock.toml")
_REQUIREMENTS = ("requirements.lock", "requirements.txt")
_OF_A_SHELL = frozenset({"&&", "||", ";", "|", ">", "<", "&"})
_NOT_INHERITED = frozenset(
    {
        *("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT", "PIP_USER", "PIP_TARGET"),
        *("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_PREFIX"),  # set within a hook
        *("GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_NAMESPACE"),
    }
)
_INSTALLERS = {
    "PIP_NO_INPUT": "1",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "UV_COMPILE_BYTECODE": "1",  # pip does so by itself; uv leaves it to the first start
    "GIT_TERMINAL_PROMPT": "0",
}


@dataclass(frozen=True, slots=True)
class Way:
    """How an app is installed: the words of one command and the folder it is run in; without words, not at all.

    `makes_environment` says that the command makes the virtual environment itself. `remark` tells what a user
    might have expected otherwise.
    """

    words: tuple[str, ...]
    folder: Path
    makes_environment: bool = False
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Installed:
    """What the app's processes get beside the user's environment, and what is to be told of it."""

    environment: Mapping[str, str] = field(default_factory=dict)
    how: str = ""
    remark: str = ""


def install(
    leash: Leash,
    folder: Path,
    *,
    top: Path,
    venv: Path,
    log: Path,
    what: str,
    command: str | None = None,
    python: str | None = None,
    within_s: float = INSTALLED_WITHIN_S,
) -> Installed:
    """Install what the app in `folder`, of the checkout `top`, needs into a new environment `venv`, and compile
    all of the checkout to byte code, so that no start pays for it.

    `command` is the user's own; without it the folder's files say how. `python` makes the environment, by default
    the one on PATH. `what` names the revision in messages. Raises EnvironmentSetupError with the last words of
    what failed, and PlanError for a command that cannot be read.
    """
    way = way_to_install(folder, top, venv, command)
    python = python or shutil.which("python3") or shutil.which("python") or sys.executable
    inside = environment_of(venv)
    if not way.words:
        _compile(leash, python, top, _inherited({}), log)
        return Installed(environment_of(None), "nothing is installed", way.remark)
    steps = [] if way.makes_environment else [((python, "-m", "venv", str(venv)), folder)]
    for words, place in (*steps, (way.words, way.folder)):
        environment = _inherited({**_INSTALLERS, **inside, "UV_PROJECT_ENVIRONMENT": str(venv)})
        problem = _run(leash, words, place, environment, log, within_s)
        if not problem and not (venv / "bin" / "python").exists():
            problem = f"{_told(words)} left no environment behind"
        if problem:
            mend = "mend that, or have it installed otherwise ([gate] install)"
            raise EnvironmentSetupError(plain_line(f"{what} cannot be installed: {problem}; {mend}"))
    _compile(leash, str(venv / "bin" / "python"), top, _inherited(inside), log)
    return Installed(inside, _told(way.words), way.remark)


def way_to_install(folder: Path, top: Path, venv: Path, command: str | None = None) -> Way:
    """The user's command; else by what lies in `folder` or above it up to `top`, the nearest first.

    Raises PlanError for a command that cannot be read.
    """
    if command is not None:
        return Way(_words(command), folder)
    places = [folder, *(one for one in folder.parents if one.is_relative_to(top))]
    lock = next((place / name for place in places for name in _LOCKS if (place / name).is_file()), None)
    if lock is not None and lock.name == _UV_LOCK and shutil.which("uv"):
        return Way(("uv", "sync", "--frozen"), folder, makes_environment=True)
    remark = "" if lock is None else _not_heeded(lock.name)
    pip = (str(venv / "bin" / "python"), "-m", "pip", "install")
    for place in places:
        for name in _REQUIREMENTS:
            if (place / name).is_file():
                return Way((*pip, "-r", name), place, remark=remark)
        if _is_package(place):
            return Way((*pip, "."), place, remark=remark)
    return Way((), folder, remark="nothing says what to install: both run in the environment that is there")


def environment_of(venv: Path | None) -> dict[str, str]:
    """The variables that make an environment the one in use; None for the one that is there.

    Python takes an empty variable for one that is not set.
    """
    if venv is None:
        return {"PYTHONPATH": ""}
    path = f"{venv / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    return {"PATH": path, "VIRTUAL_ENV": str(venv), "PYTHONPATH": "", "PYTHONHOME": ""}


def python_beside(folder: Path) -> str | None:
    """The interpreter of the environment that the user keeps in the app's folder; None where there is none."""
    found = (folder / name / "bin" / "python" for name in USERS_ENVIRONMENTS if is_environment(folder / name))
    return next((str(python) for python in found if python.exists()), None)


def _words(command: str) -> tuple[str, ...]:
    words = words_of(command, "gate.install")
    if _OF_A_SHELL & set(words):
        raise PlanError(f"gate.install: no shell reads {shown(command)}; write it as sh -c '...'")
    return words


def _not_heeded(lock: str) -> str:
    if lock == _UV_LOCK:
        return f"{lock} is not heeded, as there is no uv on PATH"
    return f"{lock} is not heeded; have it installed from there ([gate] install)"


def _is_package(folder: Path) -> bool:
    """Whether pip can install it; many a pyproject.toml only configures tools."""
    if (folder / "setup.py").is_file():
        return True
    try:
        with (folder / "pyproject.toml").open("rb") as file:
            found = tomllib.load(file)
    except OSError:
        return False
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        return True  # pip says best what is wrong with it
    return "project" in found or "build-system" in found


def _inherited(own: Mapping[str, str]) -> dict[str, str]:
    found = users_environment()
    return {**{name: value for name, value in found.items() if name not in _NOT_INHERITED}, **own}


def _run(
    leash: Leash, words: Sequence[str], folder: Path, environment: Mapping[str, str], log: Path, within_s: float
) -> str:
    """Empty where the command ended well, else how it did."""
    child = leash.start(
        words,
        env=environment,
        log_path=log,
        name=plain_line(_told(words), 80),
        stop_signal=signal.SIGTERM,
        cwd=folder,
    )
    try:
        with bounded_log(log):
            return "" if ends_well(child, within_s) else child.end_description()
    except subprocess.TimeoutExpired:
        return f"{child.name} did not end in {within_s:g} s{child.last_words()}"


def _told(words: Sequence[str]) -> str:
    """As a person would type them: the program by its name."""
    return shlex.join([Path(words[0]).name, *words[1:]])


def _compile(leash: Leash, python: str, top: Path, environment: Mapping[str, str], log: Path) -> None:
    """What cannot be compiled is no matter here: the app may never import it."""
    with suppress(EnvironmentSetupError):
        _run(leash, (python, "-m", "compileall", "-q", str(top)), top, environment, log, COMPILED_WITHIN_S)
