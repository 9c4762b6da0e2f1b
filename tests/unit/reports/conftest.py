"""Fixtures for the report tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from reports.analyse import analyse
from reports.read import read_run
from reports.summary import Summary
from tests.unit.reports.builder import example_run


@pytest.fixture(scope="session")
def example_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The rich synthetic run, written once; tests only read it."""
    return example_run(tmp_path_factory.mktemp("runs") / "example")


@pytest.fixture(scope="session")
def example(example_folder: Path) -> Summary:
    """Its summary."""
    return analyse(read_run(example_folder))


class Golden:
    """Compares text with a file under tests/golden/reports, or writes it anew under `--update-golden`."""

    def __init__(self, folder: Path, update: bool) -> None:
        self._folder = folder
        self._update = update

    def check(self, name: str, text: str) -> None:
        """Fail where the text differs from the file, or the file is not there."""
        path = self._folder / name
        if self._update:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert path.is_file(), f"{path} is missing; run pytest --update-golden"
        assert text == path.read_text(encoding="utf-8"), f"{path} differs; look, then run pytest --update-golden"


@pytest.fixture(scope="session")
def golden(pytestconfig: pytest.Config) -> Golden:
    """Golden outputs of the reports."""
    return Golden(
        Path(__file__).parents[2] / "golden" / "reports", bool(pytestconfig.getoption("--update-golden"))
    )
