"""Where what is made once is kept."""

from __future__ import annotations

import pwd
from pathlib import Path

import pytest

from harness.cached import cache_folder


@pytest.mark.parametrize("given", ["kept", ".", "./kept/../kept", "~"])
def test_a_place_that_is_named_from_here_is_told_to_programs_that_run_elsewhere(
    given: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POOLSTORM_CACHE", given)
    monkeypatch.chdir(tmp_path)
    assert tmp_path / given == cache_folder()


def test_a_working_directory_that_has_gone_is_no_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POOLSTORM_CACHE", "kept")
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert Path("kept") == cache_folder()
    monkeypatch.undo()


def test_whoever_has_no_home_keeps_nothing_in_a_folder_called_tilde(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(uid: int) -> None:
        raise KeyError(uid)

    for name in ("HOME", "POOLSTORM_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", nobody)
    assert Path("/.cache/poolstorm") == cache_folder()
