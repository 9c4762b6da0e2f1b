"""`poolstorm` with arguments, within the test's own process."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.cli import main


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: object
    out: str
    err: str


Command = Callable[..., Ended]


def commands(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """What runs one and hands back how it ended."""

    def run(*arguments: str | Path) -> Ended:
        monkeypatch.setattr(sys, "argv", ["poolstorm", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            main()
        captured = capsys.readouterr()
        return Ended(left.value.code, captured.out, captured.err)

    return run


def assert_refused(ended: Ended, expected: str) -> None:
    """One line that holds `expected`, exit code 2, and nothing on standard output."""
    assert expected in ended.err
    assert 1 == len(ended.err.splitlines()), ended.err
    assert ended.err.startswith("error: ")
    assert 2 == ended.code
    assert "" == ended.out
