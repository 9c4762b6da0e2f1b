"""Runs of targets that need a replica: with one, and where none can be had."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import psycopg2
import pytest

from harness.environment.postgres import DatabaseServer
from harness.records import (
    DatabaseReading,
    GapReading,
    HostReading,
    MarkKind,
    ReplicationReading,
    RunState,
    TrialState,
)
from reports.read import Run, Trial, read_run
from tests.integration.command import poolstorm

pytestmark = pytest.mark.integration

PLAN = """
targets = ["sync-pool", "rw-split"]
scenarios = ["split"]

[scenario.split]
base = "rw-split"
phases = [
    { name = "healthy", duration_s = 1.5, arrivals = { rate_per_s = 40 } },
    { name = "late", duration_s = 2.0, arrivals = { rate_per_s = 40 }, faults = [
        { kind = "latency", part = "replication-link", at_s = 0, duration_s = 1.8, settings.latency_ms = 50 },
    ] },
    { name = "replica-gone", duration_s = 1.5, arrivals = { rate_per_s = 40 }, faults = [
        { kind = "proxy-down", part = "replica-link", at_s = 0.2, duration_s = 0.8 } ] },
    { name = "primary-gone", duration_s = 1.5, arrivals = { rate_per_s = 40 }, faults = [
        { kind = "proxy-down", part = "primary-link", at_s = 0.2, duration_s = 0.8 } ] },
]
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("runs")
    (folder / "plan.toml").write_text(PLAN)
    ended = poolstorm("run", "--plan", folder / "plan.toml", "--output", folder / "run")
    assert 0 == ended.returncode, ended.stderr
    return read_run(folder / "run")


def of(run: Run, target: str) -> Trial:
    return next(trial for trial in run.trials if trial.record.spec.target == target)


def test_a_control_without_a_replica_has_the_same_trial(run: Run) -> None:
    assert {TrialState.COMPLETED} == {trial.record.state for trial in run.trials}
    for trial in run.trials:
        shown = {mark.part for mark in trial.marks if mark.kind == MarkKind.PROVED}
        assert {"replication-link", "replica-link", "primary-link"} == shown
        assert not [mark for mark in trial.marks if mark.kind == MarkKind.UNPROVED]


def test_sessions_and_processor_time_are_told_by_server(run: Run) -> None:
    sessions = {
        (trial.record.spec.target, part): max(
            reading.total for reading in trial.readings_of(DatabaseReading) if reading.part == part
        )
        for trial in run.trials
        for part in ("primary", "replica")
    }
    assert 0 == sessions["sync-pool", "replica"]
    assert min(sessions["rw-split", "replica"], sessions["rw-split", "primary"]) > 0
    assert of(run, "rw-split").record.cpu_s["replica"] > 0
    assert {"primary", "replica"} <= set(of(run, "sync-pool").record.cpu_s)
    for trial in run.trials:
        assert trial.readings_of(HostReading)[-1].cpu_s["replica"] > 0


def test_replication_is_read_and_later_while_its_link_is(run: Run) -> None:
    trial = of(run, "rw-split")
    begins = {mark.phase: mark.t_ns for mark in trial.marks if mark.kind == MarkKind.INJECT_DONE}
    ends = {mark.phase: mark.t_ns for mark in trial.marks if mark.kind == MarkKind.HEAL_BEGIN}
    readings = trial.readings_of(ReplicationReading)
    late = [r.replay_lag_ms for r in readings if begins["late"] + 5e8 < r.t_ns < ends["late"] and r.replay_lag_ms]
    before = [r.replay_lag_ms for r in readings if r.t_ns < begins["late"] and r.replay_lag_ms]
    assert late
    assert min(late) > 49
    assert not before or min(before) < 49
    assert not [gap for gap in trial.readings_of(GapReading) if gap.of == "replication"]


def test_money_is_kept_on_the_primary(run: Run) -> None:
    for trial in run.trials:
        bank = trial.record.bank
        assert bank is not None
        assert bank.total_before_cents == bank.total_after_cents
        assert bank.transfers_stored >= bank.transfers_acknowledged


def test_where_there_can_be_no_replica_only_those_fail_that_need_it_and_say_why(
    postgres_server: DatabaseServer, tmp_path: Path
) -> None:
    with closing(psycopg2.connect(postgres_server.admin_url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("DROP ROLE IF EXISTS lessee")
            cursor.execute("CREATE ROLE lessee LOGIN CREATEDB PASSWORD 'hush'")
    url = f"postgresql://lessee:hush@{postgres_server.host}:{postgres_server.port}/postgres"
    plan = tmp_path / "plan.toml"
    plan.write_text(
        """
        targets = ["rw-split", "sync-pool"]
        scenarios = ["short"]
        [scenario.short]
        base = "baseline"
        phases = [{ name = "a", duration_s = 1.0, arrivals = { rate_per_s = 20 } }]
        """
    )
    ended = poolstorm("run", "--plan", plan, "--database-url", url, "--output", tmp_path / "run")
    assert 0 == ended.returncode, ended.stderr
    assert 'run: ALTER ROLE "lessee" REPLICATION' in " ".join((ended.stdout + ended.stderr).split())
    found = read_run(tmp_path / "run")
    assert RunState.FINISHED == found.manifest.state
    assert TrialState.COMPLETED == of(found, "sync-pool").record.state
    failed = of(found, "rw-split").record
    assert TrialState.FAILED == failed.state
    assert "no replica: role 'lessee'" in failed.reason
    assert "hush" not in failed.reason
