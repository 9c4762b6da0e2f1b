"""What had finished is kept and reported, whatever gives way under a run: its folder, PostgreSQL or Toxiproxy."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from harness.environment.leash import Leash
from harness.environment.postgres import database_server
from harness.errors import EXIT_INVALID, EXIT_USAGE
from harness.records import RunState
from reports.read import read_run
from tests.integration.command import COMMAND, poolstorm, under_way
from tests.integration.processes import descendants

pytestmark = pytest.mark.integration

PLAN = """
targets = ["sync-pool"]
scenarios = ["short"]
repetitions = 8
aa = false

[scenario.short]
base = "baseline"
phases = [{ name = "steady", duration_s = 1.0, arrivals = { rate_per_s = 20 } }]
"""
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounting and locking a folder takes root")


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    path = tmp_path / "plan.toml"
    path.write_text(PLAN)
    return path


@contextmanager
def running(plan: Path, output: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A run of short trials; on the way out it must have ended."""
    with under_way([*COMMAND, "run", "--plan", plan, "--output", output, *arguments]) as process:
        yield process


def kept(output: Path) -> list[str]:
    return sorted(path.name for path in (output / "trials").glob("[!.]*"))


def wait_for_second_trial(output: Path) -> None:
    deadline_s = time.monotonic() + 60
    while time.monotonic() < deadline_s:
        if kept(output) and any((output / "trials").glob(".partial-*")):
            return
        time.sleep(0.05)
    raise AssertionError("no second trial began")


def kill_part(process: subprocess.Popen[str], word: str) -> None:
    (found,) = [child for child, line in descendants(psutil.Process(process.pid)) if word in line]
    found.kill()


def assert_told(process: subprocess.Popen[str], reason: str, code: int = EXIT_USAGE) -> str:
    out, err = process.communicate(timeout=90)
    assert code == process.returncode, err
    assert reason in err
    assert "Traceback" not in out + err
    return out


@needs_root
@pytest.mark.parametrize("size", ["80k", "150k", "400k"])
def test_an_output_that_fills_up_keeps_and_reports_what_fits(tmp_path: Path, plan: Path, size: str) -> None:
    mount = tmp_path / "small"
    mount.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(mount)], check=True)
    try:
        ended = poolstorm("run", "--plan", plan, "--output", mount / "run")
        assert EXIT_USAGE == ended.returncode
        assert "No space left on device" in ended.stderr
        assert "Traceback" not in ended.stdout + ended.stderr
        trials = kept(mount / "run")
        assert trials
        assert " of 8 trials completed" in ended.stdout  # not all of these on a machine that is busy
        assert trials == sorted(trial.record.spec.id for trial in read_run(mount / "run").trials)
    finally:
        subprocess.run(["umount", str(mount)], check=True)


def test_a_folder_that_is_removed_ends_the_run_in_one_line(tmp_path: Path, plan: Path) -> None:
    output = tmp_path / "run"
    with running(plan, output) as process:
        wait_for_second_trial(output)
        shutil.rmtree(output)
        assert_told(process, "can no longer be written (No such file or directory)")
    assert not output.exists()


@needs_root
def test_a_folder_that_is_locked_keeps_and_reports_what_had_finished(tmp_path: Path, plan: Path) -> None:
    output = tmp_path / "run"
    with running(plan, output) as process:
        wait_for_second_trial(output)
        locked = subprocess.run(["chattr", "+i", output / "trials"], check=False, capture_output=True)
        if locked.returncode:
            pytest.skip("this file system locks no folders")
        try:
            out = assert_told(process, "can no longer be written (Operation not permitted)")
        finally:
            subprocess.run(["chattr", "-i", output / "trials"], check=True)
    assert " of 8 trials completed" in out
    assert (output / "report.html").exists()
    assert RunState.CUT_SHORT is read_run(output).manifest.state


def test_a_toxiproxy_that_dies_ends_the_run_with_a_report(tmp_path: Path, plan: Path) -> None:
    output = tmp_path / "run"
    with running(plan, output) as process:
        wait_for_second_trial(output)
        kill_part(process, "toxiproxy-server")
        assert_told(process, "Toxiproxy")
    assert_reported_in_part(output)


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("harness.environment.guard", "the guard process was ended by someone"),
        ("-D", "room for its data where TMPDIR is"),
    ],
)
def test_what_every_trial_needs_ends_the_run_with_a_report_where_it_dies(
    tmp_path: Path, plan: Path, word: str, said: str
) -> None:
    output = tmp_path / "run"
    with running(plan, output) as process:
        wait_for_second_trial(output)
        kill_part(process, word)
        out, err = process.communicate(timeout=90)
    assert EXIT_USAGE == process.returncode, err
    assert said in err
    assert "DROP DATABASE" not in err  # it was ours, and has taken its databases along
    assert "Traceback" not in out + err
    assert_reported_in_part(output)


def test_a_target_that_dies_under_load_makes_its_trial_invalid(tmp_path: Path, plan: Path) -> None:
    output = tmp_path / "run"
    plan.write_text(
        PLAN.replace("repetitions = 8", "repetitions = 1").replace("duration_s = 1.0", "duration_s = 4.0")
    )
    with running(plan, output) as process:
        deadline_s = time.monotonic() + 60
        while not sessions_of_target(process):
            assert time.monotonic() < deadline_s
            time.sleep(0.05)
        time.sleep(2.0)  # the load is under way
        kill_part(process, "uvicorn")
        process.communicate(timeout=90)
    (trial,) = read_run(output).trials
    assert "invalid" == trial.record.state
    assert trial.record.reason.startswith("during the trial target sync-pool was ended by SIGKILL")
    assert EXIT_INVALID == process.returncode


def test_a_given_postgresql_that_dies_ends_the_run_with_a_report(tmp_path: Path, plan: Path) -> None:
    output = tmp_path / "run"
    with (
        Leash() as leash,
        database_server(leash, url=None, allow_remote=False, progress=lambda _: None) as server,
        running(plan, output, "--database-url", server.url("postgres")) as process,
    ):
        pid = server.process_id()
        assert pid is not None
        wait_for_second_trial(output)
        for part in [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]:
            part.kill()
        assert_told(process, "is gone")
    assert_reported_in_part(output)


def assert_reported_in_part(output: Path) -> None:
    run = read_run(output)
    assert RunState.CUT_SHORT is run.manifest.state
    assert run.manifest.reason
    assert run.missing
    assert (output / "report.html").exists()


def test_a_run_of_which_no_trial_can_be_used_does_not_look_like_one_that_went_well(tmp_path: Path) -> None:
    # Far more than one request at a time can answer, so the cap keeps nearly all back: the trial is invalid.
    plan = tmp_path / "plan.toml"
    rate = PLAN.replace("rate_per_s = 20", "rate_per_s = 2000").replace("repetitions = 8", "repetitions = 1")
    plan.write_text(rate + "in_flight_cap = 1\n")
    ended = poolstorm("run", "--plan", plan, "--output", tmp_path / "run")
    assert EXIT_INVALID == ended.returncode, ended.stderr
    assert "no trial of" in ended.stderr
    assert (tmp_path / "run" / "report.html").exists()


def test_a_crash_of_postgresql_leaves_its_count_unknown_and_says_why(tmp_path: Path, plan: Path) -> None:
    output = tmp_path / "run"
    plan.write_text(
        PLAN.replace("repetitions = 8", "repetitions = 1").replace("duration_s = 1.0", "duration_s = 5.0")
    )
    with running(plan, output) as process:
        deadline_s = time.monotonic() + 60
        while not (sessions := sessions_of_target(process)):
            assert time.monotonic() < deadline_s
            time.sleep(0.05)
        time.sleep(2.0)  # the load is under way
        sessions[0].kill()
        process.communicate(timeout=90)
    (trial,) = read_run(output).trials
    assert trial.record.transactions is None
    assert any("what it had counted" in note for note in trial.record.notes)


def sessions_of_target(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """PostgreSQL's processes that serve the trial's own database."""
    lines = descendants(psutil.Process(process.pid))
    return [
        child
        for child, line in lines
        if line.startswith("postgres: poolstorm poolstorm_") and "_template" not in line
    ]
