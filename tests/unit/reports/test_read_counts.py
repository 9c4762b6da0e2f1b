"""A record that tells of fewer than none of something is damaged, in either format."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.records import READINGS_FILE, TRIAL_FILE, Bank
from reports.analyse import analyse
from reports.read import read_run
from tests.unit.reports.builder import pool_reading, reseal
from tests.unit.reports.test_read import change_json, damage, first_trial, lines_of, small_run


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize(
    ("where", "field"),
    [
        ("bank", "transfers_stored"),
        ("bank", "transfers_acknowledged"),
        ("bank", "negative_balances"),
        ("slow_log", "lines"),
        ("slow_log", "statements"),
        ("sessions_at_end", "idle_in_transaction"),
        ("pool_at_end", "timed_out_total"),
        ("cpu_s", "primary"),
    ],
)
def test_fewer_than_none_is_no_count(tmp_path: Path, version: int, where: str, field: str) -> None:
    told: dict[str, dict[str, object]] = {
        "bank": dict.fromkeys(Bank.model_fields, 0),
        "slow_log": {"operation": "slow", "lines": 0, "statements": 0},
        "sessions_at_end": {"t_ns": -1, "active": 0, "idle": 0, "idle_in_transaction": 0, "total": 0},
        "pool_at_end": pool_reading(1.0, 3).model_dump(),
        "cpu_s": {"primary": 0.0},
    }
    told["bank"]["total_after_cents"] = -1  # what people owe may be more than what they have
    run = small_run(tmp_path / "run", version=version)
    change = reseal if version > 1 else change_json
    value = [told[where]] if where == "slow_log" else told[where]
    change(first_trial(run) / TRIAL_FILE, **{where: value})
    assert lines_of(analyse(read_run(run)))[0].state == "completed"

    told[where][field] = -1
    change(first_trial(run) / TRIAL_FILE, **{where: value})

    said = damage(run)
    assert said.startswith("trial.json is damaged (")
    assert field in said


@pytest.mark.parametrize("field", ["active", "total"])
def test_a_reading_of_fewer_than_no_sessions_is_damaged(tmp_path: Path, field: str) -> None:
    run = small_run(tmp_path / "run", version=1)
    counts = {"active": 0, "idle": 0, "idle_in_transaction": 0, "total": 0, field: -1}
    path = first_trial(run) / READINGS_FILE
    path.write_text(path.read_text() + json.dumps({"source": "database", "t_ns": 1, **counts}) + "\n")

    assert damage(run).startswith("readings.jsonl is damaged (line 2")
