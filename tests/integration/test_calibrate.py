"""A calibration of real gates: killed midway, it goes on with the next, and every gate names it afterwards."""

from __future__ import annotations

import gzip
import json
import os
import signal
import time
from pathlib import Path

import psutil
import pytest

from reports.calibration.summary import read_calibration
from tests.integration.command import COMMAND, poolstorm, under_way
from tests.integration.processes import descendants, soon

pytestmark = [pytest.mark.integration, pytest.mark.slow]
TINY = ("--pairs", "11", "--duration", "1", "--seed", "3")
LONGEST_S = 900.0


def wait_for(path: Path, pattern: str) -> None:
    deadline_s = time.monotonic() + LONGEST_S
    while not list(path.glob(pattern)):
        assert time.monotonic() < deadline_s, f"no {pattern}"
        time.sleep(0.2)


def test_two_gates_are_run_though_it_is_killed_in_the_second(tmp_path: Path) -> None:
    folder = tmp_path / "more"
    words = ("calibrate", "power", "-n", "2", "--plant", "statement", *TINY, "--output", folder)
    with under_way([*COMMAND, *words]) as begun:
        wait_for(folder, "runs/.partial-0002/trials/0001-*")
        below = [child for child, _ in descendants(psutil.Process(begun.pid))]
        os.kill(begun.pid, signal.SIGKILL)
    assert below
    assert soon(lambda: not any(child.is_running() and child.status() != "zombie" for child in below))
    first = (folder / "gates" / "0001.json.gz").read_bytes()
    shown = poolstorm("calibrate", "show", folder)
    assert 0 == shown.returncode
    assert "unfinished: 1 of 2 gates" in shown.stdout
    assert "at least" not in shown.stdout

    refused = poolstorm("calibrate", "power", "-n", "3", "--output", folder)
    assert (2, 1) == (refused.returncode, len(refused.stderr.strip().splitlines()))
    assert "was begun with -n 2" in refused.stderr

    done = poolstorm("calibrate", "power", "--output", folder, timeout_s=LONGEST_S)
    assert 0 == done.returncode, done.stderr[-2000:]
    assert first == (folder / "gates" / "0001.json.gz").read_bytes(), "what was judged stays as it was"
    assert "one more statement a request found by 2 of 2 gates" in done.stdout
    found = read_calibration(folder)
    assert (True, 1) == (found.is_finished, found.begun_anew)
    assert [("regressed", True, 1.0)] * 2 == [(one.verdict, one.proved, one.achieved) for one in found.outcomes]
    assert len({one.seed for one in found.outcomes}) == 2
    assert not list((folder / "runs").iterdir())
    kept = json.loads(gzip.decompress(first))
    assert len(kept["pairs"]) >= 11
    assert {"steal_share", "phases"} <= set(kept["pairs"][0]["head"])

    gate = poolstorm("gate", "--base", "sync-pool", "--head", "async-pool", *TINY[:4], "--dry-run",
                     "--calibration", folder, cwd=tmp_path)  # fmt: skip
    assert 0 == gate.returncode, gate.stderr
    assert f"calibration {found.plan.calibration_id}: one more statement a request found by 2 of 2" in gate.stdout
    other = poolstorm("gate", "--base", "sync-pool", "--head", "async-pool", "--dry-run", "--calibration", folder)
    assert (2, 1) == (other.returncode, len(other.stderr.strip().splitlines()))
