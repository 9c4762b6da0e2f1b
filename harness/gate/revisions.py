"""Two revisions of an app, each in a folder and an environment of its own, made in the same way."""

from __future__ import annotations

import os
import re
import shlex
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from harness.apps.environments import is_environment
from harness.apps.wish import AppWish
from harness.environment.leash import Leash, ending
from harness.errors import EnvironmentSetupError, PlanError, plain_line, shown
from harness.gate.install import INSTALLED_WITHIN_S, install, python_beside
from harness.gate.revisions_checkout import checked_out
from harness.gate.revisions_repository import Commit, Repository

_SECRETS = ".env"


@dataclass(frozen=True, slots=True)
class Revision:
    """One side, ready to be run: its commit, the root of its checkout, the app's folder in that, and what its
    processes get beside the user's environment. `remarks` are lines for the user.
    """

    commit: Commit
    tree: Path
    directory: Path
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    remarks: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """`base` or `head`."""
        return self.commit.name


@contextmanager
def two_revisions(
    leash: Leash,
    repository: Repository,
    base: Commit,
    head: Commit,
    *,
    command: str | None = None,
    logs: Path | None = None,
    within_s: float = INSTALLED_WITHIN_S,
    progress: Callable[[str], object],
) -> Iterator[tuple[Revision, Revision]]:
    """Both until the end of the block, in folders whose paths are of equal length. However it ends, they go.

    `command` installs in place of what the folders' files say; `logs` is a folder for what it prints. Raises
    EnvironmentSetupError for a side that cannot be checked out or installed.
    """
    folder = leash.temporary_folder()
    with ending(lambda: leash.remove_folder(folder)):
        sides = [
            _prepared(leash, repository, commit, folder / commit.name, command, logs or folder, within_s, progress)
            for commit in (base, head)
        ]
        yield sides[0], sides[1]


def _prepared(
    leash: Leash,
    repository: Repository,
    commit: Commit,
    folder: Path,
    command: str | None,
    logs: Path,
    within_s: float,
    progress: Callable[[str], object],
) -> Revision:
    tree, log = folder / "tree", logs / f"{commit.name}-install.log"
    progress(f"checking out {commit}")
    remarks = checked_out(leash, repository, commit, tree, log)
    directory = tree / repository.prefix
    progress(f"installing {commit}")
    installed = install(
        leash,
        directory,
        top=tree,
        venv=folder / "venv",
        log=log,
        what=str(commit),
        command=command,
        python=python_beside(repository.root / repository.prefix),
        within_s=within_s,
    )
    told = (*remarks, *filter(None, (installed.remark, _lacking(repository.root / repository.prefix, directory))))
    return Revision(commit, tree, directory, installed.environment, tuple(f"{commit.name}: {one}" for one in told))


def _lacking(users: Path, directory: Path) -> str:
    """A file of secrets is not committed, and not copied: it may name a database that is no trial's."""
    if not (users / _SECRETS).is_file() or (directory / _SECRETS).exists():
        return ""
    return f"{_SECRETS} is not committed, so the app does not find it; give its variables with env"


def as_side(wish: AppWish, revision: Revision, repository: Repository) -> AppWish:
    """The app as it is run from a revision, under a name of its own, so that each side has its own database.

    Its folder, what its commands and PYTHONPATH name in the user's working tree, and programs of an environment
    that lies in it are those of the checkout. Raises PlanError, and EnvironmentSetupError where the revision lacks
    the folder or the program.
    """
    here = Path(wish.directory or Path.cwd()).resolve()
    if not here.is_relative_to(repository.root):
        raise PlanError(
            f"app.directory: {shown(str(here))} is not in the repository {shown(str(repository.root))}"
        )
    directory = revision.tree / here.relative_to(repository.root)
    if not directory.is_dir():
        place = here.relative_to(repository.root).as_posix()
        raise EnvironmentSetupError(plain_line(f"{revision.commit} has no folder {shown(place)}; choose another"))

    def run(line: str) -> str:
        return _moved_line(line, here, revision, repository)

    return wish.model_copy(
        update={
            "name": f"{wish.name}-{revision.name}",
            "directory": str(directory),
            "env": {**revision.environment, **_moved_variables(wish.env, revision, repository)},
            "run": run(wish.run),
            "setup": run(wish.setup) if wish.setup else None,
            "variants": {
                name: variant.model_copy(
                    update={
                        "env": _moved_variables(variant.env, revision, repository),
                        "run": run(variant.run) if variant.run else None,
                    }
                )
                for name, variant in wish.variants.items()
            },
        }
    )


def _moved_variables(given: Mapping[str, str], revision: Revision, repository: Repository) -> dict[str, str]:
    found = dict(given)
    if "PYTHONPATH" in given:
        parts = given["PYTHONPATH"].split(os.pathsep)
        found["PYTHONPATH"] = os.pathsep.join(_moved_path(part, revision, repository) for part in parts)
    if venv := revision.environment.get("VIRTUAL_ENV"):
        if "PATH" in given:
            found["PATH"] = f"{venv}/bin{os.pathsep}{given['PATH']}"
        found.pop("VIRTUAL_ENV", None)
    return found


def _moved_path(path: str, revision: Revision, repository: Repository) -> str:
    if not path.startswith("/") or not Path(path).is_relative_to(repository.root):
        return path
    return str(revision.tree / Path(path).relative_to(repository.root))


def _moved_line(line: str, here: Path, revision: Revision, repository: Repository) -> str:
    """A command with its program and its paths moved; one that cannot be read is left for others to refuse."""
    try:
        words = shlex.split(line)
    except ValueError:
        return line
    if not words:
        return line
    program = here / words[0]
    venv = revision.environment.get("VIRTUAL_ENV")
    if venv and "/" in words[0] and program.parent.name == "bin" and is_environment(program.parent.parent):
        words[0] = f"{venv}/bin/{program.name}"
    elif venv:
        _require_no_other(words[0], venv, revision)
    inside = re.compile(rf"(?<![\w/.-]){re.escape(str(repository.root))}/[^:,;'\"]*")

    def moved(match: re.Match[str]) -> str:
        """Where there is such a file; /app/items may be a route. A path may hold blanks, or end at one."""
        whole = match[0]
        ends = [len(whole), *reversed([blank.start() for blank in re.finditer(r"\s", whole)])]
        end = next((end for end in ends if Path(whole[:end]).exists()), None)
        return whole if end is None else _moved_path(whole[:end], revision, repository) + whole[end:]

    return shlex.join(inside.sub(moved, word) for word in words)


def _require_no_other(program: str, venv: str, revision: Revision) -> None:
    """One of another environment would import what is installed there, be it the user's working tree."""
    found = shutil.which(program, path=revision.environment.get("PATH"))
    if found is None or Path(found).is_relative_to(venv) or not is_environment(Path(found).parent.parent):
        return
    raise EnvironmentSetupError(
        plain_line(
            f"{revision.commit} does not install {shown(program)}, and the one on PATH belongs to another "
            "environment; add it to what is installed ([gate] install)"
        )
    )
