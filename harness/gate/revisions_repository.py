"""The user's repository, which is read and never written to, and the two commits of it that are compared."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.errors import EnvironmentSetupError, PlanError, is_printable, plain_line, shown
from harness.gate.revisions_git import ask_git, listed_by_git, told_by_git
from harness.options import USUAL_BASELINE, USUAL_PLAN
from harness.records import CALIBRATION_FILES

HEAD = "HEAD"
NOT_OF_THE_APP = (str(USUAL_PLAN), str(USUAL_BASELINE), "runs", *CALIBRATION_FILES)
"""What poolstorm itself reads or writes in the app's folder; it is the same for both sides."""
_USUAL_BRANCHES = (
    *("refs/remotes/origin/HEAD", "refs/remotes/origin/main", "refs/remotes/origin/master"),
    *("refs/heads/main", "refs/heads/master"),
)
_SHALLOW = "this clone is shallow; run git fetch --unshallow (in CI: fetch-depth: 0)"
_LONGEST_SUBJECT = 60


@dataclass(frozen=True, slots=True)
class Repository:
    """A working tree: its `root`, without links, and the app's folder in it as a path from there."""

    root: Path
    prefix: Path = Path()


@dataclass(frozen=True, slots=True)
class Commit:
    """One side of a comparison, `base` or `head`: its full hash and the first line of its message."""

    name: str
    sha: str
    subject: str

    def __str__(self) -> str:
        return f"{self.name} {self.sha[:10]}{f' ({self.subject})' if self.subject else ''}"


def find_repository(folder: Path) -> Repository:
    """The repository that an app's folder lies in. Raises PlanError, and EnvironmentSetupError without git."""
    if not folder.is_dir():
        raise PlanError(f"there is no folder {shown(str(folder))}; name the one that the app lies in")
    done = ask_git(folder, "rev-parse", "--show-toplevel")
    if "dubious ownership" in done.stderr:
        raise EnvironmentSetupError(
            f"{shown(str(folder))} belongs to another user, and git heeds it only after: "
            "git config --global --add safe.directory FOLDER_OF_THE_REPOSITORY"
        )
    root = done.stdout.removesuffix("\n")
    if done.returncode or not root:
        raise PlanError(
            f"{shown(str(folder))} is in no git repository, so there are no revisions to compare; go to one, or "
            "run git init and commit"
        )
    if not is_printable(root):
        raise PlanError(f"the folder {shown(root)} has control characters in its name; give it another")
    resolved, inside = Path(root).resolve(), folder.resolve()
    if not inside.is_relative_to(resolved):  # core.worktree
        raise PlanError(
            f"{shown(str(folder))} is no part of its repository's working tree {shown(root)}; go there"
        )
    return Repository(resolved, inside.relative_to(resolved))


def require_clean(repository: Repository, beside: Sequence[str] = NOT_OF_THE_APP) -> None:
    """Raises PlanError where files in the app's folder differ from the commit, or are new and not ignored: they
    would not be measured. Those named `beside`, as paths from that folder, may.
    """
    prefix = repository.prefix.as_posix()
    left_out = (f":(top,literal,exclude){(repository.prefix / one).as_posix()}" for one in beside)
    found = listed_by_git(
        repository.root,
        *("status", "--porcelain=v1", "-z", "--untracked-files=normal", "--ignore-submodules=dirty"),
        *("--no-renames", "--", ":(top)" if prefix == "." else f":(top,literal){prefix}", *left_out),
    )
    if found:
        more = f" and {len(found) - 1} more" if len(found) > 1 else ""
        raise PlanError(
            f"{shown(found[0][3:])}{more} would not be measured, as only what is committed is compared; commit or "
            "stash it, or leave it out with --allow-dirty"
        )


def default_base(repository: Repository) -> str:
    """What HEAD came from: its merge base with the default branch, or its parent where it lies on that branch.

    Raises PlanError where that cannot be told.
    """
    head = _require_commit(repository, HEAD)
    branch = next((name for name in _USUAL_BRANCHES if _hash_of(repository, name)), None)
    if branch is None:
        raise PlanError(
            f"there is neither origin/HEAD nor a branch main or master to compare with; {_mend(repository)}"
        )
    base = told_by_git(repository.root, "merge-base", head, branch)
    if not base:
        raise PlanError(f"HEAD and {_short(branch)} have no commit in common here; {_mend(repository)}")
    if base != head:
        return base
    if (parent := _hash_of(repository, f"{head}~1")) is None:
        raise PlanError(f"HEAD is on {_short(branch)} and its parent is not here; {_mend(repository)}")
    return parent


def compared(repository: Repository, base: str | None, *, same_allowed: bool = False) -> tuple[Commit, Commit]:
    """The base, by default `default_base`, and HEAD. Raises PlanError for a revision that is unknown, and for two
    that are the same, unless that is what is wanted: to see the noise.
    """
    head = _commit(repository, "head", HEAD)
    found = _commit(repository, "base", default_base(repository) if base is None else base)
    if found.sha == head.sha and not same_allowed:
        raise PlanError(
            f"{shown(base)} is HEAD itself ({head.sha[:10]}), so there is nothing to compare; name an earlier "
            "revision with --base-ref"
        )
    return found, head


def same_twice(repository: Repository, revision: str) -> tuple[Commit, Commit]:
    """One revision as both sides: to see the noise. Raises PlanError for one that is unknown."""
    return _commit(repository, "base", revision), _commit(repository, "head", revision)


def _commit(repository: Repository, name: str, revision: str) -> Commit:
    sha = _require_commit(repository, revision)
    said = told_by_git(repository.root, "rev-list", "--max-count=1", "--format=%s", "--encoding=UTF-8", sha) or ""
    return Commit(name, sha, plain_line(said.partition("\n")[2], _LONGEST_SUBJECT))


def _require_commit(repository: Repository, revision: str) -> str:
    if sha := _hash_of(repository, revision):
        return sha
    if revision == HEAD:
        raise PlanError("the repository has no commit yet; commit first")
    raise PlanError(f"there is no revision {shown(revision)}; {_hint(repository, revision)}")


def _hash_of(repository: Repository, revision: str) -> str | None:
    if not revision or revision.startswith("-") or not is_printable(revision):  # no revision begins like an option
        return None
    return told_by_git(repository.root, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")


def _hint(repository: Repository, revision: str) -> str:
    """What to do about a name that is not there: the likely one, or how to get it."""
    told = told_by_git(repository.root, "for-each-ref", "--format=%(refname:short)", "refs/heads", "refs/remotes",
                       "refs/tags") or ""  # fmt: skip
    names = told.splitlines()
    same_elsewhere = [name for name in names if name.endswith(f"/{revision}")]
    close = same_elsewhere or difflib.get_close_matches(revision[:200], names, n=1, cutoff=0.6)
    if close:
        return f"did you mean {shown(close[0])}?"
    if _is_shallow(repository):
        return _SHALLOW
    if re.fullmatch(r"[0-9a-fA-F]{7,64}", revision):
        return "if the server has it: git fetch origin, or look for it with git log"
    return "fetch it (git fetch origin), or see git branch --all and git tag"


def _mend(repository: Repository) -> str:
    if _is_shallow(repository):
        return f"{_SHALLOW}, and name the base with --base-ref where that is not enough"
    return "name the base with --base-ref"


def _is_shallow(repository: Repository) -> bool:
    return told_by_git(repository.root, "rev-parse", "--is-shallow-repository") == "true"


def _short(branch: str) -> str:
    return branch.removeprefix("refs/remotes/").removeprefix("refs/heads/")
