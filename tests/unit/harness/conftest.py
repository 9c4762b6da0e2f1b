"""What tests of the command line share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.harness.commands import Command, commands


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Command:
    """`poolstorm` with arguments, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return commands(capsys, monkeypatch)
