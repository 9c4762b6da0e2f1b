"""A commit as a folder of its own, which reads the user's objects and leaves no trace in their repository."""

from __future__ import annotations

import shutil
from pathlib import Path

from harness.environment.last_words import end_of_log
from harness.environment.leash import Leash
from harness.errors import EnvironmentSetupError, plain_line, shown
from harness.gate.revisions_git import ask_git, listed_by_git, run_git, told_by_git
from harness.gate.revisions_repository import Commit, Repository

CHECKED_OUT_WITHIN_S = 300.0
_LFS_POINTER = b"version https://git-lfs.github.com/spec/v1"
_SUBMODULE = "160000 "
_LACKING = ("unable to read", "missing blob", "missing tree", "invalid object")


def checked_out(leash: Leash, repository: Repository, commit: Commit, folder: Path, log: Path) -> tuple[str, ...]:
    """Make `folder` hold the commit, and return what is not as in the user's own: submodules, files in Git LFS.

    It is a repository with the user's tags, so that builds find their version; not a worktree, which would be
    entered in the user's repository and stay there if we are killed, and not a clone, which copies what a shallow
    repository has and knows only what a branch leads to. Raises EnvironmentSetupError.
    """
    kind = told_by_git(repository.root, "rev-parse", "--show-object-format") or "sha1"
    folder.mkdir(parents=True)
    init = ("init", "--quiet", "--template=", "--initial-branch=compared", f"--object-format={kind}")
    _require(run_git(leash, folder, *init, log=log, within_s=CHECKED_OUT_WITHIN_S), commit, log)
    _share_objects(repository, folder)
    checkout = ("-c", "advice.detachedHead=false", "checkout", "--quiet", "--force", "--detach", commit.sha)
    _require(run_git(leash, folder, *checkout, log=log, within_s=CHECKED_OUT_WITHIN_S), commit, log)
    if not (folder / repository.prefix).is_dir():
        raise EnvironmentSetupError(
            plain_line(
                f"{commit} has no folder {shown(repository.prefix.as_posix())}; choose a base in which the app is "
                "there already"
            )
        )
    return tuple(_differences(folder))


def _share_objects(repository: Repository, folder: Path) -> None:
    """As a shared clone does, read the other's objects where they are; with its tags and its history's end."""
    objects = _path_in(repository, "objects")
    (folder / ".git" / "objects" / "info").mkdir(exist_ok=True)
    (folder / ".git" / "objects" / "info" / "alternates").write_bytes(bytes(objects) + b"\n")
    if (shallow := _path_in(repository, "shallow")).is_file():
        shutil.copy(shallow, folder / ".git" / "shallow")
    tags = told_by_git(repository.root, "for-each-ref", "--format=create %(refname) %(objectname)", "refs/tags")
    if tags:  # without them a build may not know its version, and says so
        ask_git(folder, "update-ref", "--stdin", stdin=f"{tags}\n")


def _path_in(repository: Repository, name: str) -> Path:
    told = told_by_git(repository.root, "rev-parse", "--git-path", name) or f".git/{name}"
    return (repository.root / told).resolve()


def _require(problem: str, commit: Commit, log: Path) -> None:
    if not problem:
        return
    if any(sign in end_of_log(log, 20) for sign in _LACKING):
        mend = "objects are missing, as in a partial clone; clone without --filter, or run git fsck"
    else:
        mend = "see whether there is room for it (TMPDIR names another place)"
    raise EnvironmentSetupError(plain_line(f"{commit} cannot be checked out: {problem}; {mend}"))


def _differences(folder: Path) -> list[str]:
    entries = listed_by_git(folder, "ls-files", "-z", "--stage")
    submodules = [entry.partition("\t")[2] for entry in entries if entry.startswith(_SUBMODULE)]
    large = listed_by_git(folder, "ls-files", "-z", "--", ":(top,attr:filter=lfs)")
    pointers = [path for path in large if _is_pointer(folder / path)]
    found = []
    if submodules:
        found.append(f"submodules are not checked out, and their folders are empty: {_some(submodules)}")
    if pointers:
        found.append(f"files in Git LFS are not fetched, and are pointers only: {_some(pointers)}")
    return found


def _is_pointer(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(_LFS_POINTER)) == _LFS_POINTER
    except OSError:
        return False


def _some(paths: list[str], most: int = 3) -> str:
    more = f" and {len(paths) - most} more" if len(paths) > most else ""
    return ", ".join(map(shown, paths[:most])) + more
