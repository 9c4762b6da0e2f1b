"""Two revisions as folders that can be run, and that nothing of them stays behind."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from harness.apps.subjects import app_subjects
from harness.apps.wish import AppWish
from harness.environment.children import python_environment, users_environment
from harness.environment.leash import Leash
from harness.environment.target import target_process
from harness.errors import EnvironmentSetupError, PlanError
from harness.gate.revisions import Revision, as_side, two_revisions
from harness.gate.revisions_checkout import checked_out
from harness.gate.revisions_repository import Commit, Repository, compared, find_repository, require_clean
from tests.integration.command import HEEDING_CTRL_C
from tests.unit.gate.repositories import commit, git, has_ended, new_repository, quick_python, state_of

BACKEND = '''
"""A build backend that needs nothing."""
import base64, hashlib, zipfile

def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    name = "stock-1-py3-none-any.whl"
    files = {
        "stock.py": open("stock.py").read(),
        "stock-1.dist-info/METADATA": "Metadata-Version: 2.1\\nName: stock\\nVersion: 1\\n",
        "stock-1.dist-info/WHEEL": "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
    }
    record = "".join(f"{file},,\\n" for file in [*files, "stock-1.dist-info/RECORD"])
    with zipfile.ZipFile(f"{wheel_directory}/{name}", "w") as wheel:
        for file, text in {**files, "stock-1.dist-info/RECORD": record}.items():
            wheel.writestr(file, text)
    return name
'''
LIBRARY = {
    "lib/pyproject.toml": '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n',
    "lib/backend.py": BACKEND,
    "lib/stock.py": "left = 1\n",
}


def silent(_: str) -> None:
    """Nobody reads progress here."""


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where our folders are made."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A repository whose app lies in `services/my shöp`; two commits."""
    folder = new_repository(tmp_path / "the repository")
    commit(folder, {"services/my shöp/app.py": "price = 1\n", "other/a b ö.txt": "old"}, "Sell")
    commit(folder, {"services/my shöp/app.py": "price = 2\n", "other/a b ö.txt": "new"}, "Sell dearer")
    return folder


@pytest.fixture
def check_out(leash: Leash, tmp_path: Path) -> Callable[..., tuple[Path, tuple[str, ...]]]:
    """HEAD, or another revision, of a folder's repository; the checkout and what is told of it."""

    def check_out(folder: Path, revision: str = "HEAD") -> tuple[Path, tuple[str, ...]]:
        repository = find_repository(folder)
        base, _ = compared(repository, revision, same_allowed=True)
        tree = tmp_path / f"tree-{base.sha[:10]}"
        return tree, checked_out(leash, repository, base, tree, tmp_path / "log")

    return check_out


def test_both_sides_are_checked_out_in_equal_places_and_go_at_the_end(
    leash: Leash, shop: Path, temporary: Path
) -> None:
    before = state_of(shop)
    repository = find_repository(shop / "services" / "my shöp")
    said: list[str] = []
    with two_revisions(leash, repository, *compared(repository, "HEAD~1"), progress=said.append) as (base, head):
        assert (base.directory / "app.py").read_text() == "price = 1\n"
        assert (head.directory / "app.py").read_text() == "price = 2\n"
        assert (base.tree / "other" / "a b ö.txt").read_text() == "old"
        assert base.directory == base.tree / "services" / "my shöp"
        assert len(str(base.directory)) == len(str(head.directory))
        assert list(base.directory.rglob("*.pyc"))
        assert list(head.directory.rglob("*.pyc"))
        assert base.remarks == ("base: nothing says what to install: both run in the environment that is there",)
    assert list(temporary.iterdir()) == []
    assert state_of(shop) == before
    assert git(shop, "worktree", "list").count("\n") == 0
    assert [line.split()[:2] for line in said] == [
        ["checking", "out"], ["installing", "base"], ["checking", "out"], ["installing", "head"],
    ]  # fmt: skip


def test_each_side_has_the_libraries_of_its_own_revision(
    leash: Leash, tmp_path: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = new_repository(tmp_path / "shop")
    commit(shop, {**LIBRARY, "requirements.txt": "--no-index\n./lib\n", "app.py": ""}, "One left")
    commit(shop, {"lib/stock.py": "left = 2\n"}, "Two left")
    quick_python(shop / ".venv")
    (tmp_path / "astray").mkdir()
    (tmp_path / "astray" / "stock.py").write_text("left = 3\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "astray"))
    monkeypatch.setenv("PYTHONHOME", str(tmp_path / "astray"))
    repository = find_repository(shop)
    with two_revisions(leash, repository, *compared(repository, None), progress=silent) as sides:
        for side, left in zip(sides, ("1", "2"), strict=True):
            (subject,) = app_subjects(as_side(_wish(shop, "app:app"), side, repository))
            python = subject.launch.command[0]
            done = subprocess.run(
                [python, "-c", "import stock; print(stock.left, stock.__file__)"],
                cwd=subject.launch.directory,
                env=users_environment(subject.launch.environment),
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.stdout.split() == [left, str(_library(side))], done.stderr
            assert Path(python).is_relative_to(side.tree.parent)
            assert (_library(side).parent / "pip").is_symlink()  # by the interpreter that the user has beside it


def _library(side: Revision) -> Path:
    (found,) = (side.tree.parent / "venv").rglob("site-packages/stock.py")
    return found


SERVICE = """
import os
price = {price}

async def app(scope, receive, send):
    assert scope["type"] == "http"
    text = f"{{price}} {{os.getcwd()}} {{os.environ['DATABASE_URL']}}"
    await send({{"type": "http.response.start", "status": 200, "headers": []}})
    await send({{"type": "http.response.body", "body": text.encode()}})
"""


@pytest.mark.integration
def test_both_sides_answer_at_once_each_from_its_own_files(leash: Leash, tmp_path: Path, temporary: Path) -> None:
    shop = new_repository(tmp_path / "shop")
    for number in (1, 2):
        commit(shop, {"api/main.py": SERVICE.format(price=number), ".gitignore": ".env\n"}, "Sell")
    quick_python(shop / "api" / ".venv")
    (shop / "api" / ".env").write_text("SECRET=1\n")
    repository = find_repository(shop / "api")
    ours = sysconfig.get_paths()["purelib"]  # where uvicorn is
    path = "import sysconfig; open(sysconfig.get_paths()['purelib'] + '/ours.pth', 'w').write"
    install = shlex.join(["python", "-c", f"{path}({ours!r})"])
    commits = compared(repository, None)
    with ExitStack() as stack:
        sides = stack.enter_context(two_revisions(leash, repository, *commits, command=install, progress=silent))
        for side, price in zip(sides, ("1", "2"), strict=True):
            (subject,) = app_subjects(as_side(_wish(shop / "api", "main:app"), side, repository))
            target = target_process(
                leash,
                launch=subject.launch,
                environment={"database_url": f"postgresql://u@h/{side.name}"},
                log_path=tmp_path / side.name,
            )
            running = stack.enter_context(target)
            answer = httpx.get(running.url, trust_env=False).text
            assert answer.split() == [price, str(side.directory), f"postgresql://u@h/{side.name}"]
            assert side.remarks == (
                f"{side.name}: .env is not committed, so the app does not find it; give its variables with env",
            )


@pytest.mark.parametrize(("sound", "bad"), [("base", "head"), ("head", "base")])
def test_a_side_that_cannot_be_installed_is_named_and_nothing_stays(
    leash: Leash, tmp_path: Path, temporary: Path, sound: str, bad: str
) -> None:
    shop = new_repository(tmp_path / "shop")
    for name in ("base", "head"):
        commit(shop, {"state": name}, f"The {name}")
    quick_python(shop / ".venv")
    logs = tmp_path / "logs"
    logs.mkdir()
    repository = find_repository(shop)
    commits = {one.name: one for one in compared(repository, None)}
    command = f"sh -c 'grep {sound} state || {{ echo ERROR: no library for $(cat state); exit 7; }}'"
    with (
        pytest.raises(EnvironmentSetupError) as caught,
        two_revisions(leash, repository, *compared(repository, None), command=command, logs=logs, progress=silent),
    ):
        pytest.fail("it was installed")
    said = str(caught.value)
    assert said.startswith(f"{bad} {commits[bad].sha[:10]} (The {bad}) cannot be installed: sh -c")
    assert f"ended with exit code 7; its last words: ERROR: no library for {bad}; mend that" in said
    assert said.endswith("([gate] install)")
    assert f"no library for {bad}" in (logs / f"{bad}-install.log").read_text()
    assert list(temporary.iterdir()) == []


def test_the_base_is_another_folder_than_the_users_and_a_hook_does_not_run(
    shop: Path, tmp_path: Path, check_out: Callable[..., tuple[Path, tuple[str, ...]]]
) -> None:
    hook = f"#!/bin/sh\ntouch {shlex.quote(str(tmp_path / 'a hook ran'))}\n"
    (shop / "hooks").mkdir()
    for folder in (shop / ".git" / "hooks", shop / "hooks"):
        folder.mkdir(exist_ok=True)
        for name in ("post-checkout", "post-index-change", "reference-transaction", "pre-auto-gc"):
            (folder / name).write_text(hook)
            (folder / name).chmod(0o755)
    git(shop, "config", "core.hooksPath", str(shop / "hooks"))
    git(shop, "config", "core.fsmonitor", shlex.quote(str(shop / "hooks" / "post-checkout")))
    with pytest.raises(PlanError):
        require_clean(find_repository(shop))
    tree, told = check_out(shop / "services" / "my shöp")
    assert (tree / "services" / "my shöp" / "app.py").read_text() == "price = 2\n"
    assert told == ()
    assert not (tmp_path / "a hook ran").exists()


def test_a_filter_of_the_users_is_not_run_and_a_pointer_is_told(
    tmp_path: Path, check_out: Callable[..., tuple[Path, tuple[str, ...]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = new_repository(tmp_path / "shop")
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n"
    commit(shop, {"big.bin": pointer, "small.bin": "small"}, "Data")
    commit(shop, {".gitattributes": "*.bin filter=lfs\n"}, "Large files")
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    smudge = f'[filter "lfs"]\n smudge = touch "{tmp_path}/fetched" && cat\n required = true\n'
    (home / ".gitconfig").write_text(smudge)
    tree, told = check_out(shop)
    assert told == ("files in Git LFS are not fetched, and are pointers only: 'big.bin'",)
    assert (tree / "small.bin").read_text() == "small"
    assert not (tmp_path / "fetched").exists()


def test_submodules_are_told(tmp_path: Path, check_out: Callable[..., tuple[Path, tuple[str, ...]]]) -> None:
    part = new_repository(tmp_path / "part")
    commit(part, {"part.py": ""}, "A part")
    shop = new_repository(tmp_path / "shop")
    git(shop, "submodule", "--quiet", "add", str(part), "vendor/a part")
    commit(shop, {}, "Use it")
    tree, told = check_out(shop)
    assert told == ("submodules are not checked out, and their folders are empty: 'vendor/a part'",)
    assert list((tree / "vendor" / "a part").iterdir()) == []


def test_a_checkout_knows_its_version(shop: Path, check_out: Callable[..., tuple[Path, tuple[str, ...]]]) -> None:
    git(shop, "tag", "--annotate", "v1.2", "--message", "One", "HEAD~1")
    tree, _ = check_out(shop)
    assert git(tree, "describe") == git(shop, "describe")
    assert git(tree, "describe").startswith("v1.2-1-g")
    assert git(tree, "status", "--porcelain") == ""


def test_a_commit_that_no_branch_leads_to_can_be_compared(
    shop: Path, check_out: Callable[..., tuple[Path, tuple[str, ...]]]
) -> None:
    lost = git(shop, "rev-parse", "HEAD")
    git(shop, "reset", "--quiet", "--hard", "HEAD~1")
    tree, _ = check_out(shop, lost)
    assert (tree / "other" / "a b ö.txt").read_text() == "new"


def test_a_shallow_clone_and_a_linked_worktree_are_checked_out_too(
    shop: Path, tmp_path: Path, check_out: Callable[..., tuple[Path, tuple[str, ...]]]
) -> None:
    commit(shop, {"more.py": ""}, "More")
    git(tmp_path, "clone", "--quiet", "--depth", "2", f"file://{shop}", "shallow")
    tree, _ = check_out(tmp_path / "shallow", "HEAD~1")
    assert git(tree, "log", "--format=%s") == "Sell dearer"
    git(shop, "worktree", "add", "--quiet", "--detach", str(tmp_path / "linked"), "HEAD~2")
    tree, _ = check_out(tmp_path / "linked")
    assert git(tree, "log", "--format=%s") == "Sell"


def test_a_partial_clone_is_told_by_what_it_lacks(
    shop: Path, tmp_path: Path, check_out: Callable[..., tuple[Path, tuple[str, ...]]]
) -> None:
    git(shop, "config", "uploadpack.allowFilter", "true")
    git(tmp_path, "clone", "--quiet", "--filter=blob:none", f"file://{shop}", "partial")
    with pytest.raises(EnvironmentSetupError, match="partial clone; clone without --filter"):
        check_out(tmp_path / "partial", "HEAD~1")


def test_a_base_from_before_the_app_is_refused(
    shop: Path, check_out: Callable[..., tuple[Path, tuple[str, ...]]]
) -> None:
    commit(shop, {"new app/app.py": ""}, "Begin another")
    with pytest.raises(EnvironmentSetupError, match=r"\(Sell dearer\) has no folder 'new app'"):
        check_out(shop / "new app", "HEAD~1")


HELD = """
import sys
from pathlib import Path
from harness.environment.leash import Leash
from harness.gate.revisions import two_revisions
from harness.gate.revisions_repository import compared, find_repository

repository = find_repository(Path(sys.argv[1]))
with Leash() as leash, two_revisions(
    leash, repository, *compared(repository, None), command=sys.argv[2], progress=print
):
    pass
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_who_is_ended_half_way_leaves_nothing_behind(
    shop: Path, tmp_path: Path, temporary: Path, number: signal.Signals
) -> None:
    quick_python(shop / "services" / "my shöp" / ".venv")
    before = state_of(shop)
    begun = tmp_path / "begun"
    process = subprocess.Popen(
        [
            *(sys.executable, "-c", f"{HEEDING_CTRL_C}\n{HELD}", str(shop / "services" / "my shöp")),
            f"sh -c 'echo $$ > {shlex.quote(str(begun))}.new; mv {begun}.new {begun}; exec sleep 600'",
        ],
        env=python_environment({"TMPDIR": str(temporary)}),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        _wait(begun.exists, lambda: process.poll() is None)
        assert list(temporary.iterdir())
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    if number == signal.SIGINT:
        assert "KeyboardInterrupt" in errors
    _wait(lambda: not list(temporary.iterdir()))
    _wait(lambda: has_ended(int(begun.read_text())))
    assert state_of(shop) == before
    assert git(shop, "worktree", "list").count("\n") == 0


def _wait(true: Callable[[], bool], possible: Callable[[], bool] = lambda: True) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert possible()
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _wish(directory: Path, run: str, **more: object) -> AppWish:
    env = {"DATABASE_URL": "{database_url}"}
    return AppWish.model_validate({"name": "shop", "run": run, "directory": str(directory), "env": env, **more})


@pytest.fixture
def side(shop: Path, tmp_path: Path) -> tuple[Revision, Repository]:
    """A base as if it were installed, and the repository that it is of."""
    repository = find_repository(shop / "services" / "my shöp")
    tree, venv = tmp_path / "base" / "tree", tmp_path / "base" / "venv"
    (tree / repository.prefix).mkdir(parents=True)
    (venv / "bin").mkdir(parents=True)
    for name in ("python", "alembic", "gunicorn"):
        (venv / "bin" / name).touch(mode=0o755)
    environment = {"PATH": f"{venv}/bin:{os.environ['PATH']}", "VIRTUAL_ENV": str(venv), "PYTHONPATH": ""}
    return Revision(Commit("base", "0" * 40, ""), tree, tree / repository.prefix, environment), repository


def test_an_asgi_app_is_run_by_the_sides_own_uvicorn(side: tuple[Revision, Repository], shop: Path) -> None:
    revision, repository = side
    wish = _wish(shop / "services" / "my shöp", "app:app", variants={"small": {"env": {"POOL": "1"}}})
    subject, variant = app_subjects(as_side(wish, revision, repository))
    python = f"{revision.environment['VIRTUAL_ENV']}/bin/python"
    assert subject.launch.command[:4] == (python, "-m", "uvicorn", "app:app")
    assert subject.launch.directory == revision.directory
    assert subject.launch.environment == {**revision.environment, "DATABASE_URL": "{database_url}"}
    assert (subject.name, subject.schema) == ("shop-base", "own:shop-base")
    assert (variant.name, variant.schema) == ("shop-base-small", "own:shop-base")
    assert variant.launch.command == subject.launch.command
    assert variant.launch.environment == {**subject.launch.environment, "POOL": "1"}


def test_programs_and_paths_of_the_working_tree_become_those_of_the_checkout(
    side: tuple[Revision, Repository], shop: Path
) -> None:
    revision, repository = side
    here = shop / "services" / "my shöp"
    (here / ".venv").mkdir()
    (here / ".venv" / "pyvenv.cfg").touch()
    wish = _wish(
        here,
        f".venv/bin/gunicorn --chdir='{here}' --root-path '{shop}/items' --port {{port}} --reload "
        f"--exec 'cd {here} && true' app:app",
        setup=f"'{here}/.venv/bin/alembic' -c '{shop}/other/a b ö.txt' upgrade head",
        env={"URL": "{database_url}", "PYTHONPATH": f"lib:{shop}/other:/opt/x", "PATH": "/opt/bin"},
    )
    (subject,) = app_subjects(as_side(wish, revision, repository))
    venv = revision.environment["VIRTUAL_ENV"]
    assert subject.launch.command == (
        *(f"{venv}/bin/gunicorn", f"--chdir={revision.directory}", "--root-path", f"{shop}/items"),
        *("--port", "{port}", "--reload", "--exec", f"cd {revision.directory} && true", "app:app"),
    )
    assert subject.launch.setup == (
        *(f"{venv}/bin/alembic", "-c", f"{revision.tree}/other/a b ö.txt", "upgrade", "head"),
    )
    assert subject.launch.environment == {
        "URL": "{database_url}",
        "PYTHONPATH": f"lib:{revision.tree}/other:/opt/x",
        "PATH": f"{venv}/bin:/opt/bin",
        "VIRTUAL_ENV": venv,
    }


def test_a_program_of_the_side_is_looked_for_in_its_environment(
    side: tuple[Revision, Repository], shop: Path
) -> None:
    revision, repository = side
    here = shop / "services" / "my shöp"
    assert app_subjects(as_side(_wish(here, "gunicorn {port}"), revision, repository))
    with pytest.raises(PlanError, match="there is no program 'gunicorn-of-no-one'"):
        app_subjects(as_side(_wish(here, "gunicorn-of-no-one {port}"), revision, repository))


def test_a_program_of_another_environment_is_not_taken(
    side: tuple[Revision, Repository], shop: Path, tmp_path: Path
) -> None:
    revision, repository = side
    (tmp_path / "active" / "bin").mkdir(parents=True)
    (tmp_path / "active" / "pyvenv.cfg").touch()
    for name in ("hypercorn", "gunicorn"):
        (tmp_path / "active" / "bin" / name).touch(mode=0o755)
    path = f"{revision.environment['PATH']}:{tmp_path}/active/bin"
    revision = replace(revision, environment={**revision.environment, "PATH": path})
    here = shop / "services" / "my shöp"
    assert app_subjects(as_side(_wish(here, "gunicorn {port}"), revision, repository))
    for wish in (_wish(here, "hypercorn {port}"), _wish(here, "app:app", setup="hypercorn x")):
        with pytest.raises(
            EnvironmentSetupError, match="base 0000000000 does not install 'hypercorn', and the one"
        ):
            as_side(wish, revision, repository)


def test_an_app_elsewhere_or_not_yet_there_is_refused(
    side: tuple[Revision, Repository], shop: Path, tmp_path: Path
) -> None:
    revision, repository = side
    with pytest.raises(PlanError, match="is not in the repository"):
        as_side(_wish(tmp_path, "app:app"), revision, repository)
    (shop / "new").mkdir()
    with pytest.raises(EnvironmentSetupError, match="base 0000000000 has no folder 'new'"):
        as_side(_wish(shop / "new", "app:app"), revision, repository)
