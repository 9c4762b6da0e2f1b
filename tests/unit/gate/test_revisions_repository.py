"""Which two commits are compared, and what is refused before anything is made."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import EnvironmentSetupError, PlanError
from harness.gate.revisions_repository import (
    Repository,
    compared,
    default_base,
    find_repository,
    require_clean,
)
from tests.unit.gate.repositories import commit, git, new_repository, state_of


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Two commits on main."""
    folder = new_repository(tmp_path / "shop")
    commit(folder, {"app.py": "price = 1\n"}, "Sell")
    commit(folder, {"app.py": "price = 2\n"}, "Sell dearer")
    return folder


def refused(action: object, *arguments: object) -> str:
    assert callable(action)
    with pytest.raises((PlanError, EnvironmentSetupError)) as caught:
        action(*arguments)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2
    return str(caught.value)


def test_the_apps_folder_is_found_in_its_repository(shop: Path) -> None:
    (shop / "services" / "ä b").mkdir(parents=True)
    assert find_repository(shop) == Repository(shop.resolve(), Path())
    assert find_repository(shop / "services" / "ä b") == Repository(shop.resolve(), Path("services/ä b"))


def test_variables_of_a_hook_do_not_lead_to_another_repository(
    shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = new_repository(tmp_path / "other")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    assert find_repository(shop).root == shop.resolve()


def test_without_git_it_is_said_what_to_install(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(shop))
    assert "there is no program 'git'; install it" in refused(find_repository, shop)


def test_a_folder_in_no_repository_and_one_that_is_not_there(tmp_path: Path) -> None:
    assert "is in no git repository" in refused(find_repository, tmp_path)
    assert "there is no folder" in refused(find_repository, tmp_path / "nowhere")


def test_a_repository_of_another_user_is_named_as_such(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = shop.parent / "bin" / "git"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho 'fatal: detected dubious ownership in repository at' >&2\nexit 128\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    assert "git config --global --add safe.directory" in refused(find_repository, shop)


@pytest.mark.parametrize(
    "change",
    [
        {"app.py": "price = 3\n"},
        {"new ö.py": ""},
        {"sub/new.py": ""},
        {"poolstorm.toml.py": ""},
    ],
)
def test_what_is_not_committed_would_not_be_measured(shop: Path, change: dict[str, str]) -> None:
    for name, text in change.items():
        (shop / name).parent.mkdir(exist_ok=True)
        (shop / name).write_text(text)
    before = state_of(shop)
    said = refused(require_clean, find_repository(shop))
    (name,) = change
    assert said.startswith(f"'{name.split('/')[0]}")
    assert "commit or stash it, or leave it out with --allow-dirty" in said
    assert state_of(shop) == before


def test_several_changes_are_counted(shop: Path) -> None:
    (shop / "app.py").unlink()
    (shop / "b.py").touch()
    git(shop, "add", "b.py")
    assert "'app.py' and 1 more" in refused(require_clean, find_repository(shop))


def test_what_is_ignored_elsewhere_or_our_own_may_differ(shop: Path) -> None:
    commit(shop, {".gitignore": "*.log\n", "api/app.py": "", "web/app.js": ""}, "Split")
    (shop / "api" / "app.log").touch()
    (shop / "api" / "poolstorm.toml").touch()
    (shop / "api" / "runs").mkdir()
    (shop / "api" / "runs" / "report.html").touch()
    (shop / "web" / "app.js").write_text("changed")
    require_clean(find_repository(shop / "api"))
    assert "'web/app.js'" in refused(require_clean, find_repository(shop / "web"))


def test_the_base_is_where_a_branch_left_the_default_branch(shop: Path) -> None:
    left_at = git(shop, "rev-parse", "HEAD")
    git(shop, "switch", "--quiet", "--create", "feature")
    commit(shop, {"b.py": ""}, "Add b")
    commit(shop, {"c.py": ""}, "Add c")
    git(shop, "switch", "--quiet", "main")
    commit(shop, {"d.py": ""}, "Add d")
    git(shop, "switch", "--quiet", "feature")
    assert default_base(find_repository(shop)) == left_at


def test_on_the_default_branch_the_base_is_the_parent(shop: Path) -> None:
    assert default_base(find_repository(shop)) == git(shop, "rev-parse", "HEAD~1")


def test_the_servers_default_branch_comes_first(shop: Path, tmp_path: Path) -> None:
    git(shop, "branch", "trunk", "HEAD~1")
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", str(shop), str(clone))
    git(clone, "remote", "set-head", "origin", "trunk")
    commit(clone, {"b.py": ""}, "Not pushed")
    assert default_base(find_repository(clone)) == git(shop, "rev-parse", "trunk")
    git(clone, "remote", "set-head", "origin", "--delete")
    assert default_base(find_repository(clone)) == git(shop, "rev-parse", "main")


def test_a_base_that_cannot_be_told_is_asked_for(tmp_path: Path) -> None:
    folder = new_repository(tmp_path / "trunk-only", branch="trunk")
    assert "has no commit yet" in refused(default_base, find_repository(folder))
    commit(folder, {"a.py": ""}, "Begin")
    assert "neither origin/HEAD nor a branch main or master" in refused(default_base, find_repository(folder))
    git(folder, "branch", "main")
    said = refused(default_base, find_repository(folder))
    assert said == "HEAD is on main and its parent is not here; name the base with --base-ref"
    git(folder, "switch", "--quiet", "--orphan", "other")
    commit(folder, {"a.py": ""}, "Begin anew")
    assert "HEAD and main have no commit in common" in refused(default_base, find_repository(folder))


def test_both_commits_are_named_with_hash_and_subject(shop: Path) -> None:
    git(shop, "tag", "--annotate", "v1", "--message", "One", "HEAD~1")
    base, head = compared(find_repository(shop), "v1")
    assert (base.name, base.sha, base.subject) == ("base", git(shop, "rev-parse", "HEAD~1"), "Sell")
    assert (head.name, head.sha, head.subject) == ("head", git(shop, "rev-parse", "HEAD"), "Sell dearer")
    assert str(base) == f"base {base.sha[:10]} (Sell)"
    assert compared(find_repository(shop), None) == (base, head)


def test_a_subject_is_shown_without_its_control_characters(shop: Path) -> None:
    commit(shop, {}, "Ring \x07 it \x1b[31m" + "x" * 200)
    _, head = compared(find_repository(shop), "HEAD~1")
    assert head.subject.isprintable()
    assert len(head.subject) <= 60


@pytest.mark.parametrize(
    ("revision", "said"),
    [
        ("man", "there is no revision 'man'; did you mean 'main'?"),
        ("wip", "did you mean 'origin/wip'?"),
        ("deadbeefdeadbeefdeadbeefdeadbeefdeadbeef", "git fetch origin"),
        ("HEAD~7", "fetch it"),
        ("--all", "there is no revision '--all'"),
        ("", "there is no revision ''"),
        ("a\x00b", "there is no revision 'a\\x00b'"),
        ("HEAD:app.py", "there is no revision 'HEAD:app.py'"),
        ("x" * 10_000, "there is no revision"),
    ],
)
def test_an_unknown_revision_is_refused_with_what_to_do(shop: Path, revision: str, said: str) -> None:
    git(shop, "update-ref", "refs/remotes/origin/wip", "HEAD")
    assert said in refused(compared, find_repository(shop), revision)


def test_nothing_is_compared_with_itself_unless_that_is_wanted(shop: Path) -> None:
    repository = find_repository(shop)
    said = refused(compared, repository, "main")
    assert said.startswith("'main' is HEAD itself")
    assert "name an earlier revision with --base-ref" in said
    base, head = compared(repository, "main", same_allowed=True)
    assert (base.name, head.name) == ("base", "head")
    assert base.sha == head.sha


def test_a_shallow_clone_says_that_it_is_one(shop: Path, tmp_path: Path) -> None:
    old = git(shop, "rev-parse", "HEAD~1")
    git(tmp_path, "clone", "--quiet", "--depth", "1", f"file://{shop}", "shallow")
    repository = find_repository(tmp_path / "shallow")
    assert "this clone is shallow; run git fetch --unshallow" in refused(default_base, repository)
    assert "this clone is shallow; run git fetch --unshallow" in refused(compared, repository, old)
