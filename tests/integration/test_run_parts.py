"""Runs with faults that are done to the primary itself, on a server of our own and on one that was given."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.environment.postgres import DatabaseServer
from harness.errors import EXIT_INVALID
from harness.records import MarkKind, TrialState
from reports.read import Run, read_run
from tests.integration.command import poolstorm

pytestmark = pytest.mark.integration

PLAN = """
targets = ["sync-pool"]
scenarios = ["broken"]

[scenario.broken]
base = "baseline"
phases = [
    { name = "ended", duration_s = 0.8, arrivals = { rate_per_s = 40 }, faults = [
        { kind = "terminate-sessions", part = "primary", at_s = 0.2, duration_s = 0.3 } ] },
    { name = "frozen", duration_s = 1.2, arrivals = { rate_per_s = 40 }, faults = [
        { kind = "freeze", part = "primary", at_s = 0.2, duration_s = 0.5 } ] },
    { name = "demoted", duration_s = 0.8, arrivals = { rate_per_s = 40 }, faults = [
        { kind = "read-only", part = "primary", at_s = 0.1, duration_s = 0.5 } ] },
    { name = "locked", duration_s = 1.2, arrivals = { rate_per_s = 40 }, faults = [
        { kind = "lock-table", part = "primary", at_s = 0.1, duration_s = 0.5, settings.table = "users" } ] },
    { name = "restarted", duration_s = 1.5, arrivals = { rate_per_s = 40 }, faults = [
        { kind = "restart", part = "primary", at_s = 0.2, duration_s = 0.5 } ] },
    { name = "full", duration_s = 3.0, arrivals = { rate_per_s = 40 }, faults = [
        { kind = "exhaust-connections", part = "primary", at_s = 0.1, duration_s = 2.7 } ] },
]
"""
FAULTS = {
    "ended": "terminate-sessions",
    "frozen": "freeze",
    "demoted": "read-only",
    "locked": "lock-table",
    "restarted": "restart",
    "full": "exhaust-connections",
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("runs")
    (folder / "plan.toml").write_text(PLAN)
    ended = poolstorm("run", "--plan", folder / "plan.toml", "--output", folder / "run")
    assert ended.returncode in (0, EXIT_INVALID), ended.stderr  # on a busy machine the load may be late
    return read_run(folder / "run")


def test_what_is_done_to_the_primary_is_proved_and_healed_in_a_trial_that_counts(run: Run) -> None:
    (trial,) = run.trials
    assert (TrialState.COMPLETED, "") == (trial.record.state, trial.record.reason)
    proved = [(mark.phase, mark.fault, mark.part) for mark in trial.marks if mark.kind == MarkKind.PROVED]
    assert sorted([(phase, kind, "primary") for phase, kind in FAULTS.items()] * 2) == sorted(proved)
    assert not [mark for mark in trial.marks if mark.kind == MarkKind.UNPROVED]


def test_transactions_are_counted_through_a_restart(run: Run) -> None:
    (trial,) = run.trials
    assert (trial.record.transactions or 0) > 0
    assert not [note for note in trial.record.notes if "crash" in note]


def test_a_fault_that_a_given_server_cannot_take_is_told_before_any_load(
    postgres_server: DatabaseServer, tmp_path: Path
) -> None:
    (tmp_path / "plan.toml").write_text(PLAN)
    ended = poolstorm(
        *("run", "--plan", tmp_path / "plan.toml", "--output", tmp_path / "run"),
        *("--database-url", postgres_server.admin_url),
    )
    assert EXIT_INVALID == ended.returncode, ended.stderr
    (trial,) = read_run(tmp_path / "run").trials
    assert TrialState.FAILED is trial.record.state
    assert "the part 'primary' cannot be made to stand still here" in trial.record.reason
    assert not trial.marks
