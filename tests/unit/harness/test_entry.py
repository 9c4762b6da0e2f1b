"""The last resort: whatever nobody foresaw is one line, and an exit code."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
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


@pytest.mark.parametrize("name", ["targets", "scenarios", "typer", "rich"])
def test_a_package_of_the_users_with_a_name_of_ours_is_not_taken_for_ours(name: str, tmp_path: Path) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").write_text("raise RuntimeError('a stranger')")
    script = Path(sys.executable).parent / "poolstorm"
    ended = subprocess.run(
        [sys.executable, script, "list"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")


def test_a_working_directory_that_has_gone_is_no_matter_to_where_our_packages_are(tmp_path: Path) -> None:
    script = Path(sys.executable).parent / "poolstorm"
    ended = subprocess.run(
        ["/bin/sh", "-c", 'cd "$1" && rmdir "$1" && exec "$2" "$3" list', "sh", tmp_path, sys.executable, script],
        env={**os.environ, "PYTHONPATH": ""},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")


def test_a_working_directory_that_has_gone_is_told_where_one_is_needed(tmp_path: Path) -> None:
    code = START.format(raised="FileNotFoundError(2, 'No such file or directory')")
    ended = subprocess.run(
        ["/bin/sh", "-c", 'cd "$1" && rmdir "$1" && exec "$2" -c "$3"', "sh", tmp_path, sys.executable, code],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ended.returncode, "is not there any more; change to another" in ended.stderr) == (2, True), (
        ended.stderr
    )


CARELESS = """
import os, signal, sys
{careless}
os.execv(sys.executable, [sys.executable, "-c", sys.argv[1]])
"""
IN_MAIN = """
import os, signal, subprocess, sys, types
cli = types.ModuleType("harness.cli")
def main():
    {what}
cli.main = main
sys.modules["harness.cli"] = cli
from harness.entry import start
start()
"""
CHILD_ENDS = 'sys.exit(subprocess.run(["/bin/sh", "-c", "exit 7"], check=False).returncode)'
ASKED_TO_END = "os.kill(os.getpid(), signal.SIGTERM); sys.exit(3)"
TIMER_RUNS = "sys.exit(3 if signal.getitimer(signal.ITIMER_REAL)[0] else 7)"
MASKED = "sys.exit(7 if os.umask(0) == 0o077 else 3)"


@pytest.mark.parametrize(
    ("careless", "then", "expected"),
    [
        ("signal.signal(signal.SIGCHLD, signal.SIG_IGN)", CHILD_ENDS, 7),
        ("signal.setitimer(signal.ITIMER_REAL, 300)", TIMER_RUNS, 7),
        ("os.umask(0o777)", MASKED, 7),
        ("signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 32))", ASKED_TO_END, -15),
    ],
)
def test_what_a_careless_parent_hands_on_is_undone(careless: str, then: str, expected: int) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", CARELESS.format(careless=careless), IN_MAIN.format(what=then)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (expected, "")
