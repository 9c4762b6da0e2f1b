"""A part of a run that somebody stopped, for a while or for ever: no trial of it counts, and nobody waits long."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from harness.errors import EXIT_INTERRUPTED, EXIT_INVALID
from harness.records import READINGS_FILE
from reports.read import read_run
from tests.integration.command import COMMAND, under_way
from tests.integration.processes import descendants

pytestmark = pytest.mark.integration

PLAN = """
targets = ["sync-pool"]
scenarios = ["short"]
aa = false

[scenario.short]
base = "baseline"
phases = [{ name = "steady", duration_s = 7.0, arrivals = { rate_per_s = 20 } }]
"""
WORDS = {
    "the target": "uvicorn",
    "the load generator": "harness.load.process",
    "Toxiproxy": "toxiproxy-server",
    "PostgreSQL": " -D ",
    "a session": "postgres: poolstorm poolstorm_",
    "the guard": "harness.environment.guard",
}
ENDED_WITHIN_S = 10.0
"""After Ctrl-C, whatever stands still."""


@contextmanager
def loaded(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A run whose only trial is under load."""
    plan = tmp_path / "plan.toml"
    plan.write_text(PLAN)
    output = tmp_path / "run"
    with under_way([*COMMAND, "run", "--plan", plan, "--output", output]) as process:
        wait_for(lambda: readings_under_way(output) > 0)
        yield process


def readings_under_way(output: Path) -> int:
    """Bytes of them: some come with the first full buffer, well into the load."""
    return sum(path.stat().st_size for path in (output / "trials").glob(f".partial-*/{READINGS_FILE}"))


def wait_for(condition: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.05)


def part(process: subprocess.Popen[str], name: str) -> psutil.Process:
    family = descendants(psutil.Process(process.pid))
    return next(child for child, line in family if WORDS[name] in line and "_template" not in line)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("the target", "the target"),
        ("the load generator", "the load generator"),
        ("Toxiproxy", "Toxiproxy"),
        ("PostgreSQL", "PostgreSQL"),
        ("a session", "PostgreSQL"),
    ],
)
def test_a_trial_in_which_a_part_stood_still_for_a_while_is_invalid(tmp_path: Path, name: str, told: str) -> None:
    with loaded(tmp_path) as process:
        stopped = part(process, name)
        stopped.suspend()
        time.sleep(2.5)
        stopped.resume()
        out, err = process.communicate(timeout=90)
    assert EXIT_INVALID == process.returncode, out + err
    (trial,) = read_run(tmp_path / "run").trials
    assert "invalid" == trial.record.state
    assert f"during the trial {told} stood still" in trial.record.reason
    assert "Traceback" not in out + err


@pytest.mark.parametrize("name", ["the target", "Toxiproxy", "PostgreSQL", "the guard"])
def test_ctrl_c_is_ctrl_c_also_where_a_part_has_just_died(tmp_path: Path, name: str) -> None:
    with loaded(tmp_path) as process:
        part(process, name).kill()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert EXIT_INTERRUPTED == process.returncode, err
    assert "nothing was kept" in err
    assert "Traceback" not in out + err


@pytest.mark.parametrize("name", list(WORDS))
def test_ctrl_c_is_heeded_while_a_part_stands_still(tmp_path: Path, name: str) -> None:
    with loaded(tmp_path) as process:
        family = psutil.Process(process.pid).children(recursive=True)
        part(process, name).suspend()
        time.sleep(0.5)  # whoever asks it something waits by now
        process.send_signal(signal.SIGINT)
        began_s = time.monotonic()
        out, err = process.communicate(timeout=60)
        took_s = time.monotonic() - began_s
    assert EXIT_INTERRUPTED == process.returncode, err
    assert took_s < ENDED_WITHIN_S
    assert "Traceback" not in out + err
    _, left = psutil.wait_procs(family, timeout=2.0)
    assert [] == [each for each in left if each.status() != psutil.STATUS_ZOMBIE]
