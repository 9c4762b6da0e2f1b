"""However a run ends: finished trials stay, nothing is half-written, and no process is left behind."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from harness.records import RunState
from reports.read import read_run
from tests.integration.command import COMMAND
from tests.integration.processes import descendants

pytestmark = pytest.mark.integration

PLAN = """
targets = ["sync-pool"]
scenarios = ["short"]
repetitions = 50

[scenario.short]
base = "baseline"
phases = [{ name = "steady", duration_s = 1.0, arrivals = { rate_per_s = 20 } }]
"""


@pytest.fixture
def arguments() -> list[str]:
    """More arguments of the run; a test may have others."""
    return []


@pytest.fixture
def started(tmp_path: Path, arguments: list[str]) -> Iterator[subprocess.Popen[str]]:
    """A run of many short trials, under way in a process group of its own."""
    plan = tmp_path / "plan.toml"
    plan.write_text(PLAN)
    process = subprocess.Popen(
        [*COMMAND, "run", "--plan", str(plan), "--output", str(tmp_path / "run"), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
    )
    yield process
    if process.poll() is None:
        process.kill()
    process.communicate()


def wait_for(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False


def kept_trials(tmp_path: Path) -> list[Path]:
    return [path for path in (tmp_path / "run" / "trials").glob("*") if not path.name.startswith(".")]


def family_of(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """Every process that the run has started; the guard leads a session of its own but is a child all the same."""
    return psutil.Process(process.pid).children(recursive=True)


def wait_until_loaded(process: subprocess.Popen[str], tmp_path: Path) -> list[psutil.Process]:
    """One trial kept, the next under way with target and load processes up."""
    assert wait_for(lambda: bool(kept_trials(tmp_path)), 60), "no trial finished"

    def commands() -> str:
        return "\n".join(line for _, line in descendants(psutil.Process(process.pid)))

    parts = ("uvicorn", "harness.load.process", "postgres", "toxiproxy", "harness.environment.guard")
    assert wait_for(lambda: all(part in commands() for part in parts), 30), commands()
    return family_of(process)


def all_gone(family: list[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Those that still run after so many seconds."""
    _, alive = psutil.wait_procs(family, timeout=seconds)
    return [process for process in alive if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_keeps_and_reports_what_had_finished(
    started: subprocess.Popen[str], tmp_path: Path, number: signal.Signals
) -> None:
    family = wait_until_loaded(started, tmp_path)
    started.send_signal(number)
    out, err = started.communicate(timeout=15)
    assert 130 == started.returncode, err
    assert [] == all_gone(family, 1.0)
    run = read_run(tmp_path / "run")
    assert RunState.INTERRUPTED is run.manifest.state
    assert len(run.trials) == len(kept_trials(tmp_path)) >= 1
    assert (tmp_path / "run" / "report.html").exists()
    assert "Traceback" not in err + out


def test_nothing_outlives_a_killed_harness(started: subprocess.Popen[str], tmp_path: Path) -> None:
    family = wait_until_loaded(started, tmp_path)
    started.kill()
    started.wait()
    assert [] == all_gone(family, 10.0)
    run = read_run(tmp_path / "run")
    assert RunState.RUNNING is run.manifest.state
    assert len(run.trials) == len(kept_trials(tmp_path)) >= 1


def test_an_interruption_before_the_first_trial_leaves_no_folder(
    started: subprocess.Popen[str], tmp_path: Path
) -> None:
    assert wait_for((tmp_path / "run").exists, 20)
    time.sleep(0.3)
    started.send_signal(signal.SIGINT)
    _, err = started.communicate(timeout=15)
    assert 130 == started.returncode
    assert 1 == err.count("error:"), err
    assert "Traceback" not in err
    assert not (tmp_path / "run").exists()


def shared_memory() -> set[str]:
    """Segments of System V's shared memory and of POSIX's that PostgreSQL has on this machine now."""
    listed = Path("/proc/sysvipc/shm").read_text().splitlines()[1:]
    return {line.split()[1] for line in listed} | {path.name for path in Path("/dev/shm").glob("PostgreSQL.*")}


@pytest.mark.skipif(not Path("/proc/sysvipc/shm").exists(), reason="lists segments as Linux does")
@pytest.mark.parametrize("until", ["initdb", "postgres"])
def test_an_impatient_user_leaves_nothing_behind_either(tmp_path: Path, until: str) -> None:
    before = shared_memory()
    plan = tmp_path / "plan.toml"
    plan.write_text(PLAN)
    process = subprocess.Popen(
        [*COMMAND, "run", "--plan", str(plan), "--output", str(tmp_path / "run")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
    )

    def started() -> bool:
        return any(child.name() == until for child, _ in descendants(psutil.Process(process.pid)))

    assert wait_for(started, 20)
    family = family_of(process)
    for _ in range(3):
        process.send_signal(signal.SIGINT)
        time.sleep(0.2)
    process.communicate(timeout=15)
    assert [] == all_gone(family, 10.0)
    assert wait_for(lambda: set() == shared_memory() - before, 10), shared_memory() - before


def test_a_load_process_that_dies_in_mid_trial_fails_that_trial_and_the_run_goes_on(
    started: subprocess.Popen[str], tmp_path: Path
) -> None:
    wait_until_loaded(started, tmp_path)
    family = descendants(psutil.Process(started.pid))
    load = next(process for process, line in family if "harness.load.process" in line)
    before = len(kept_trials(tmp_path))
    load.kill()
    assert wait_for(lambda: len(kept_trials(tmp_path)) >= before + 2, 30)
    started.send_signal(signal.SIGINT)
    started.communicate(timeout=15)
    run = read_run(tmp_path / "run")
    failed = [trial.record for trial in run.trials if trial.record.state == "failed"]
    assert 1 == len(failed)
    assert "the load did not come to its end" in failed[0].reason or "load process" in failed[0].reason
    assert len(run.trials) >= 3


@pytest.mark.parametrize("arguments", [["--workers", "2", "--duration", "4"]])
def test_a_worker_that_dies_makes_its_trial_invalid_and_the_run_goes_on(
    started: subprocess.Popen[str], tmp_path: Path
) -> None:
    assert wait_for(lambda: bool(kept_trials(tmp_path)), 60), "no trial finished"
    before = len(kept_trials(tmp_path))
    assert wait_for(lambda: bool(loading_workers(started)), 30), "no worker began its load"
    loading_workers(started)[0].kill()
    assert wait_for(lambda: len(kept_trials(tmp_path)) >= before + 2, 60)
    started.send_signal(signal.SIGINT)
    started.communicate(timeout=15)
    run = read_run(tmp_path / "run")
    (lost,) = (trial.record for trial in run.trials if trial.record.state != "completed")
    assert "invalid" == lost.state
    assert lost.reason.startswith("1 of 2 load workers died")
    assert len(run.trials) >= 3


def loading_workers(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """Load workers that are connected to the target already, and not to their master alone."""
    found = []
    for child, line in descendants(psutil.Process(process.pid)):
        if "harness.load.worker" in line:
            try:
                peers = {connection.raddr for connection in child.net_connections() if connection.raddr}
            except psutil.Error:
                continue
            if len(peers) > 1:
                found.append(child)
    return found
