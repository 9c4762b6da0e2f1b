"""How an app is installed, by what its folder holds or as the user says."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.environment.leash import Leash
from harness.errors import EnvironmentSetupError, PlanError
from harness.gate.install import Installed, install, python_beside, way_to_install
from tests.unit.gate.repositories import has_ended, quick_python

VENV = Path("/side/venv")
PIP = ("/side/venv/bin/python", "-m", "pip", "install")
UV_PROGRAM = f"""#!/bin/sh
pwd > "$UV_PROJECT_ENVIRONMENT.said"
echo "$*" >> "$UV_PROJECT_ENVIRONMENT.said"
exec {sys.executable} -m venv --without-pip "$UV_PROJECT_ENVIRONMENT"
"""


def with_program(folder: Path, name: str, text: str = "#!/bin/sh\n") -> str:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)
    (folder / name).chmod(0o755)
    return f"{folder}{os.pathsep}/usr/bin{os.pathsep}/bin"


@pytest.fixture
def top(tmp_path: Path) -> Path:
    (tmp_path / "tree" / "api").mkdir(parents=True)
    return tmp_path / "tree"


Install = Callable[..., Installed]


@pytest.fixture
def installed(leash: Leash, top: Path, tmp_path: Path) -> Install:
    python = quick_python(tmp_path / "users")

    def installed(folder: Path = top, **more: object) -> Installed:
        given = {"python": python, "what": "base 01 (x)", **more}
        return install(leash, folder, top=top, venv=tmp_path / "venv", log=tmp_path / "log", **given)  # type: ignore[arg-type]

    return installed


@pytest.mark.parametrize(
    ("files", "words", "place", "remark"),
    [
        (["uv.lock", "requirements.txt"], ("uv", "sync", "--frozen"), "api", ""),
        (["api/uv.lock"], ("uv", "sync", "--frozen"), "api", ""),
        (["requirements.lock", "requirements.txt"], (*PIP, "-r", "requirements.lock"), ".", ""),
        (["requirements.txt", "api/requirements.txt"], (*PIP, "-r", "requirements.txt"), "api", ""),
        (["api/pyproject.toml", "requirements.txt"], (*PIP, "."), "api", ""),
        (["setup.py"], (*PIP, "."), ".", ""),
        (["poetry.lock", "pyproject.toml"], (*PIP, "."), ".", "poetry.lock is not heeded"),
        ([], (), "api", "nothing says what to install"),
    ],
)
def test_the_nearest_file_says_how(
    top: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    files: list[str],
    words: tuple[str, ...],
    place: str,
    remark: str,
) -> None:
    monkeypatch.setenv("PATH", with_program(tmp_path / "bin", "uv"))
    (tmp_path / "requirements.txt").touch()  # above the checkout
    for name in files:
        (top / name).write_text('[project]\nname = "shop"\n' if name.endswith("toml") else "")
    way = way_to_install(top / "api", top, VENV)
    assert (way.words, way.folder) == (words, (top / place).resolve())
    assert way.remark.startswith(remark)
    assert bool(way.remark) == bool(remark)
    assert way.makes_environment == (words[:1] == ("uv",))


def test_without_uv_its_lock_is_told_to_be_left_aside(top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    (top / "uv.lock").touch()
    (top / "requirements.txt").touch()
    way = way_to_install(top, top, VENV)
    assert way.words == (*PIP, "-r", "requirements.txt")
    assert way.remark == "uv.lock is not heeded, as there is no uv on PATH"


@pytest.mark.parametrize(
    ("text", "words"),
    [("[tool.ruff]\n", ()), ("[build-system]\n", (*PIP, ".")), ("[project", (*PIP, "."))],
)
def test_a_file_that_only_configures_tools_is_no_package(top: Path, text: str, words: tuple[str, ...]) -> None:
    (top / "pyproject.toml").write_text(text)
    assert way_to_install(top, top, VENV).words == words


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("pip install 'x", "cannot be read (No closing quotation); mend its quotes"),
        ("  ", "gate.install is empty"),
        ("make a && make b", "no shell reads 'make a && make b'; write it as sh -c '...'"),
    ],
)
def test_a_command_that_cannot_be_read_is_refused(top: Path, command: str, said: str) -> None:
    with pytest.raises(PlanError) as caught:
        way_to_install(top, top, VENV, command)
    assert said in str(caught.value)


def test_the_users_command_runs_in_the_apps_folder_and_in_the_new_environment(
    top: Path, tmp_path: Path, installed: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "GIT_DIR"):
        monkeypatch.setenv(name, "/the/users")
    (top / "api" / "requirements.txt").write_text("--no-index\nno-such-library\n")
    found = installed(top / "api", command="sh -c 'command -v python > said; env >> said'")
    program, *variables = (top / "api" / "said").read_text().splitlines()
    assert program == str(tmp_path / "venv" / "bin" / "python")
    assert f"VIRTUAL_ENV={tmp_path / 'venv'}" in variables
    assert f"PWD={top / 'api'}" in variables
    assert not [one for one in variables if one.endswith("=/the/users")]
    assert found.environment == {
        "PATH": f"{tmp_path / 'venv' / 'bin'}:{os.environ['PATH']}",
        "VIRTUAL_ENV": str(tmp_path / "venv"),
        "PYTHONPATH": "",
        "PYTHONHOME": "",
    }


def test_byte_code_is_there_before_the_first_start(top: Path, installed: Install) -> None:
    (top / "api" / "app.py").write_text("price = 1\n")
    (top / "other.py").write_text("price = 1\n")
    (top / "broken.py").write_text("price =\n")
    found = installed(top / "api")
    tag = sys.implementation.cache_tag
    assert (top / "api" / "__pycache__" / f"app.{tag}.pyc").is_file()
    assert (top / "__pycache__" / f"other.{tag}.pyc").is_file()
    assert found.environment == {"PYTHONPATH": ""}
    assert found.remark.startswith("nothing says what to install")


def test_uv_makes_the_environment_from_the_lock(
    top: Path, tmp_path: Path, installed: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", with_program(tmp_path / "bin", "uv", UV_PROGRAM))
    (top / "uv.lock").touch()
    found = installed(top / "api")
    assert (tmp_path / "venv.said").read_text() == f"{top / 'api'}\nsync --frozen\n"
    assert found.environment["VIRTUAL_ENV"] == str(tmp_path / "venv")
    assert found.how == "uv sync --frozen"


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("sh -c 'echo ERROR: no room; exit 3'", "exit code 3; its last words: ERROR: no room; mend that"),
        ("no-such-installer -r x", "no-such-installer -r x ended with exit code 127"),
        ("sh -c 'rm -r ../venv'", "left no environment behind"),
    ],
)
def test_what_fails_is_told_with_its_last_words(installed: Install, command: str, said: str) -> None:
    with pytest.raises(EnvironmentSetupError) as caught:
        installed(command=command)
    assert str(caught.value).startswith("base 01 (x) cannot be installed: ")
    assert said in str(caught.value)
    assert str(caught.value).endswith("or have it installed otherwise ([gate] install)")
    assert len(str(caught.value)) <= 300
    assert caught.value.exit_code == 2


def test_a_command_that_does_not_end_is_ended_with_all_that_it_began(
    top: Path, tmp_path: Path, installed: Install
) -> None:
    command = "sh -c 'echo waiting for godot; sleep 600 & echo $! > sleeper; wait'"
    with pytest.raises(
        EnvironmentSetupError, match=r"did not end in 5 s; its last words: waiting for godot; mend"
    ):
        installed(command=command, within_s=5.0)
    assert has_ended(int((top / "sleeper").read_text()))


def test_no_environment_can_be_made_without_the_module_for_it(
    top: Path, tmp_path: Path, installed: Install
) -> None:
    python = with_program(tmp_path / "bin", "python", "#!/bin/sh\necho No module named venv >&2\nexit 1\n")
    (top / "requirements.txt").touch()
    with pytest.raises(
        EnvironmentSetupError, match=r"python -m venv .*its last words: No module named venv; mend"
    ):
        installed(python=python.split(os.pathsep)[0] + "/python")


def test_the_users_own_interpreter_is_the_one_beside_the_app(tmp_path: Path) -> None:
    assert python_beside(tmp_path) is None
    shutil.copytree(Path(quick_python(tmp_path / "elsewhere")).parent, tmp_path / ".venv" / "bin")
    assert python_beside(tmp_path) is None  # a folder of that name, and no environment
    (tmp_path / ".venv" / "pyvenv.cfg").touch()
    assert python_beside(tmp_path) == str(tmp_path / ".venv" / "bin" / "python")
