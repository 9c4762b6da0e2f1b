"""A project's folder is read within bounds, past links, and without the values of its `.env`."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from harness.apps.starter import folder as reading
from harness.apps.starter.folder import names_only, read_project
from harness.apps.starter.starter import look_at
from harness.apps.starter.text import plan_text
from harness.errors import PlanError

ROOT = Path(__file__).parents[4]
APP = "from fastapi import FastAPI\napp = FastAPI()\n"


def test_what_is_not_the_projects_own_is_not_read(tmp_path: Path) -> None:
    for place in ("node_modules/a", ".git", "myenv/lib", "shop/__pycache__", ".tox/x"):
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "main.py").write_text(APP)
    (tmp_path / "myenv/pyvenv.cfg").touch()
    (tmp_path / "shop/main.py").write_text(APP)
    (tmp_path / "shop/photo.jpg").write_bytes(b"\xff")
    assert {"shop/main.py"} == set(read_project(tmp_path).texts)


def test_links_pipes_and_folders_without_permission_are_passed_by(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "main.py").write_text(APP)
    project = tmp_path / "project"
    (project / "sub").mkdir(parents=True)
    (project / "linked").symlink_to(outside)
    (project / "main.py").symlink_to(outside / "main.py")
    (project / "round").symlink_to(project)
    os.mkfifo(project / "pipe.py")
    (project / "sub/app.py").write_text(APP)
    (project / "gone.py").symlink_to("nowhere")
    assert {"sub/app.py"} == set(read_project(project).texts)


def test_data_in_plenty_hides_no_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(60):
        (tmp_path / f"{number}.jpg").touch()
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop/main.py").write_text(APP)
    monkeypatch.setattr(reading, "MOST_FILES", 50)
    found = read_project(tmp_path)
    assert ({"shop/main.py"}, False) == (set(found.texts), found.partly)
    assert reading.MOST_ENTRIES >= 100_000  # a project with its uploads


UNREADABLE = """
import os, sys
sys.path.insert(0, sys.argv[2])
from harness.apps.starter.folder import read_project
from pathlib import Path
"".encode("utf-8-sig")  # another user may not read the interpreter's own folder
if os.geteuid() == 0:
    os.setuid(65534)
print(sorted(read_project(Path(sys.argv[1])).texts))
"""


def test_a_folder_that_another_user_keeps_to_himself_is_passed_by() -> None:
    with tempfile.TemporaryDirectory() as place:  # pytest's own folder is closed to others
        project = Path(place)
        project.chmod(0o755)
        (project / "main.py").write_text(APP)
        (project / "private").mkdir(mode=0o700)
        (project / "private").chmod(0o700 if os.geteuid() == 0 else 0)
        told = subprocess.run(
            [sys.executable, "-c", UNREADABLE, place, str(ROOT)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        (project / "private").chmod(0o700)
    assert (told.returncode, told.stdout.strip()) == (0, "['main.py']"), told.stderr


def test_large_files_and_binary_ones_are_left_out_and_said_so(tmp_path: Path) -> None:
    (tmp_path / "data.py").write_text("x = 1\n" * reading.LARGEST_FILE)
    (tmp_path / "binary.py").write_bytes(b"\0\1")
    (tmp_path / "main.py").write_text(APP)
    found = read_project(tmp_path)
    assert ({"main.py"}, True) == (set(found.texts), found.partly)


@pytest.mark.parametrize("bound", ["MOST_FILES", "MOST_ENTRIES", "MOST_BYTES"])
def test_a_project_beyond_the_bounds_is_read_in_part_the_nearest_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "a/b/far.py").write_text(APP)
    (tmp_path / "main.py").write_text(APP)
    monkeypatch.setattr(reading, bound, 2 if bound == "MOST_ENTRIES" else 1)
    found = read_project(tmp_path)
    assert ({"main.py"}, True) == (set(found.texts), found.partly)


def test_files_that_are_not_utf_8_and_names_that_are_no_text_do_no_harm(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_bytes(
        "# -*- coding: latin-1 -*-\nname = 'Größe'\n".encode("latin-1") + APP.encode()
    )
    (tmp_path / "marked.py").write_bytes(b"\xef\xbb\xbfx = 1\n")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.py")).write_text(APP)
    (tmp_path / "line\nend.py").write_text(APP)
    found = read_project(tmp_path)
    assert {"main.py", "marked.py"} == set(found.texts)
    assert 'run = "main:app"' in plan_text(look_at(found))


def test_values_of_a_dotenv_file_are_never_taken_in(tmp_path: Path) -> None:
    text = (
        "DATABASE_URL=postgresql+asyncpg://me:secret@host/db\nexport KEY = 'secret'\n#A=secret\nsecret\n=secret\n"
    )
    assert "DATABASE_URL=postgresql+asyncpg://\nKEY=\n" == names_only(text)
    for name in (".env", ".env.local", "prod.env"):
        (tmp_path / name).write_text(text)
    (tmp_path / "main.py").write_text(APP)
    found = read_project(tmp_path)
    assert "secret" not in repr(found.texts)
    assert 'DATABASE_URL = "{database_url+asyncpg}"' in plan_text(look_at(found))


def test_programs_of_virtual_environments_are_found(tmp_path: Path) -> None:
    (tmp_path / "back/.venv/bin").mkdir(parents=True)
    (tmp_path / "back/.venv/pyvenv.cfg").touch()
    program = tmp_path / "back/.venv/bin/uvicorn"
    program.touch()
    assert frozenset() == read_project(tmp_path).programs
    program.chmod(0o755)
    assert {"back/.venv/bin/uvicorn"} == read_project(tmp_path).programs


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="there is no folder"):
        read_project(tmp_path / "nowhere")
