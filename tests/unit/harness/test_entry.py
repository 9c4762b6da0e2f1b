"""The last resort: whatever nobody foresaw is one line, and an exit code."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

START = """
import sys, types
cli = types.ModuleType("harness.cli")
def main():
    raise {raised}
cli.main = main
sys.modules["harness.cli"] = cli
from harness.entry import start
start()
"""


def ended(raised: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", START.format(raised=raised)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        ("MemoryError()", "unforeseen MemoryError:"),
        ("SystemError('initialization of _x failed')", "unforeseen SystemError: initialization of _x failed"),
        ("FileNotFoundError(2, 'No such file', '/dev/null')", "/dev/null"),
        ("ValueError('two\\nlines')", "two lines"),
    ],
)
def test_an_unforeseen_error_is_one_line(raised: str, said: str) -> None:
    result = ended(raised)
    assert (result.returncode, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert said in result.stderr
    assert "ulimit -a" in result.stderr


def test_whoever_wants_to_report_it_sees_all_of_it() -> None:
    result = ended("ValueError('what')", POOLSTORM_TRACEBACK="1")
    assert "Traceback" in result.stderr
    assert result.returncode == 1


def test_ctrl_c_says_nothing() -> None:
    result = ended("KeyboardInterrupt()")
    assert (result.returncode, result.stdout, result.stderr) == (130, "", "")
