"""An app in which no Python runs: all that needs no look inside is measured, and what is missing is said."""

from __future__ import annotations

import shutil
from pathlib import Path

import psutil
import pytest

from harness.records import DatabaseReading, InsideReading
from harness.staging import NOT_SEEN
from reports.analyse import analyse
from reports.read import read_run
from tests.integration.command import poolstorm

SERVICE = Path(__file__).parent / "apps" / "service.js"

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(shutil.which("node") is None, reason="there is no node on PATH to run the service with"),
]


def test_a_service_in_javascript_is_measured_from_outside(tmp_path: Path) -> None:
    shutil.copy(SERVICE, tmp_path)
    ended = poolstorm(
        *("run", "-o", "out", "--app", "node service.js {port} {database_url}", "--get", "/answer"),
        *("-s", "baseline", "--rate", "20", "--duration", "2"),
        cwd=tmp_path,
        timeout_s=120,
    )
    assert (ended.returncode, "Traceback" in ended.stderr) == (0, False), ended.stderr
    found = read_run(tmp_path / "out")
    (trial,) = found.trials
    record = trial.record
    assert record.state == "completed", record.reason
    assert {cell.key.operation for cell in trial.cells} == {"/answer"}
    assert (record.transactions or 0) >= 20
    assert record.cpu_s["app"] > 0
    assert 1 <= max(reading.total for reading in trial.readings_of(DatabaseReading)) <= 3
    assert (record.pool_at_end, list(trial.readings_of(InsideReading))) == (None, [])
    assert NOT_SEEN in record.notes
    (target,) = analyse(found).scenarios[0].targets
    verdicts = {check.kind: check.verdict for check in target.checks}
    assert verdicts["no-errors-outside-faults"] == "passed"
    assert verdicts["sessions-at-base"] == "passed"
    assert verdicts["answers-unchanged"] == "passed"
    left = [process for process in psutil.process_iter(["cwd"]) if process.info["cwd"] == str(tmp_path)]
    assert left == []
