"""`poolstorm init`: one file is written, none is lost."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from harness.cli import main
from harness.errors import EXIT_USAGE

APP = "from fastapi import FastAPI\napp = FastAPI()\n"


def init(monkeypatch: pytest.MonkeyPatch, *words: str | Path) -> int:
    """Its exit code."""
    monkeypatch.setattr(sys, "argv", ["poolstorm", "init", *map(str, words)])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(str(ended.value.code))


def test_it_says_what_it_found_and_what_comes_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "main.py").write_text(APP)
    assert 0 == init(monkeypatch, tmp_path)
    said = capsys.readouterr().out
    assert "app        main:app (FastAPI, main.py)" in said
    assert "database   not found" in said
    assert "next: put the database's variable in [app.env] there" in said
    assert 'run = "main:app"' in (tmp_path / "poolstorm.toml").read_text()
    assert ["main.py", "poolstorm.toml"] == sorted(path.name for path in tmp_path.iterdir())


def test_a_plan_that_is_there_stays_unless_it_is_to_be_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "poolstorm.toml"
    place.write_text("mine")
    assert EXIT_USAGE == init(monkeypatch, tmp_path)
    assert "already; --force replaces it" in capsys.readouterr().err
    assert "mine" == place.read_text()
    assert 0 == init(monkeypatch, tmp_path, "--force")
    assert "mine" not in place.read_text()


def test_what_comes_next_can_be_pasted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project = tmp_path / "my shop"
    project.mkdir()
    assert 0 == init(monkeypatch, project)
    assert f"cd '{project}' && poolstorm run" in " ".join(capsys.readouterr().out.split())


def test_a_working_directory_that_has_gone_is_no_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here, project = tmp_path / "here", tmp_path / "project"
    here.mkdir()
    project.mkdir()
    monkeypatch.chdir(here)
    here.rmdir()
    assert 0 == init(monkeypatch, project)


def test_a_link_is_never_written_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere, project = tmp_path / "elsewhere", tmp_path / "project"
    project.mkdir()
    (project / "poolstorm.toml").symlink_to(elsewhere)
    assert EXIT_USAGE == init(monkeypatch, project)
    assert 0 == init(monkeypatch, project, "--force")
    assert (False, False) == (elsewhere.exists(), (project / "poolstorm.toml").is_symlink())


def test_a_folder_in_its_place_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "poolstorm.toml").mkdir()
    assert EXIT_USAGE == init(monkeypatch, tmp_path, "--force")
    assert "cannot write" in capsys.readouterr().err
    assert ["poolstorm.toml"] == [path.name for path in tmp_path.iterdir()]


@pytest.mark.parametrize("name", ["nowhere", "main.py"])
def test_what_is_no_folder_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    (tmp_path / "main.py").write_text(APP)
    assert EXIT_USAGE == init(monkeypatch, tmp_path / name)
    assert "there is no folder" in capsys.readouterr().err
