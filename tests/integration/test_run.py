"""A whole run with real parts: what a user types, and what is known to be true of this stack."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.records import DatabaseReading, ErrorsReading, MarkKind
from reports.analyse import analyse
from reports.read import Run, read_run
from reports.summary import FaultWindow, PhaseResult, Summary, TargetResult
from tests.integration.command import poolstorm

pytestmark = pytest.mark.integration

PLAN = """
targets = ["sync-pool", "async-pool", "no-pool"]
scenarios = ["far", "broken", "ladder"]
seed = 11

[scenario.far]
base = "latency"
phases = [
    { name = "near", duration_s = 1.5, behaviour = "reader", arrivals = { rate_per_s = 30 } },
    { name = "far", duration_s = 2.5, behaviour = "reader", arrivals = { rate_per_s = 30 }, faults = [
        { kind = "latency", at_s = 0, duration_s = 2.4, settings = { latency_ms = 40 } } ] },
]

[scenario.broken]
base = "dropped-connections"
phases = [
    { name = "warm-up", duration_s = 0.5, warmup = true, arrivals = { rate_per_s = 30 } },
    { name = "hole", duration_s = 2.5, arrivals = { rate_per_s = 30 }, faults = [
        { kind = "timeout", at_s = 0.2, duration_s = 0.8 } ] },
    { name = "down", duration_s = 2.5, arrivals = { rate_per_s = 30 }, faults = [
        { kind = "proxy-down", at_s = 0.2, duration_s = 0.8 } ] },
]

[scenario.ladder]
base = "exhaustion"
pool = { pool_size = 2, max_overflow = 2, pool_timeout_s = 0.1 }
phases = [
    { name = "users-2", duration_s = 1.2, behaviour = "holder", users = 2 },
    { name = "users-4", duration_s = 1.2, behaviour = "holder", users = 4 },
    { name = "users-12", duration_s = 1.2, behaviour = "holder", users = 12 },
]
"""


TRIES = 3
"""A machine that is busy with something else makes trials invalid, and the run says so; then it is run again."""


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of which every trial can be used."""
    folder = tmp_path_factory.mktemp("runs")
    plan = folder / "plan.toml"
    plan.write_text(PLAN)
    reasons: list[str] = []
    for attempt in range(TRIES):
        output = folder / f"run-{attempt}"
        ended = poolstorm("run", "--plan", plan, "--output", output)
        assert 0 == ended.returncode, ended.stderr
        summary = analyse(read_run(output))
        if summary.run.trials_invalid == 0:
            return output
        reasons.extend(
            trial.reason
            for scenario in summary.scenarios
            for target in scenario.targets
            for trial in target.trials
        )
    pytest.fail(f"no run of {TRIES} was free of invalid trials: {[reason for reason in reasons if reason]}")


@pytest.fixture(scope="module")
def run(run_folder: Path) -> Run:
    return read_run(run_folder)


@pytest.fixture(scope="module")
def summary(run: Run) -> Summary:
    return analyse(run)


def results(summary: Summary, scenario: str) -> dict[str, TargetResult]:
    found = next(result for result in summary.scenarios if result.name == scenario)
    return {target.target: target for target in found.targets}


def phase(target: TargetResult, name: str) -> PhaseResult:
    return next(found for found in target.phases if (found.phase, found.operation) == (name, "all"))


def window(target: TargetResult, kind: str) -> FaultWindow:
    return next(fault for fault in target.faults if fault.kind == kind)


def test_every_trial_completes_and_each_target_runs_under_each_scenario(summary: Summary) -> None:
    assert (9, 9) == (summary.run.trials_planned, summary.run.trials_completed)
    assert "finished" == summary.run.state


def test_postgresql_counts_what_the_targets_say_that_they_did(run: Run) -> None:
    trials = [trial for trial in run.trials if trial.record.spec.scenario != "broken"]
    assert 6 == len(trials)
    for trial in trials:
        pool, totals = trial.record.pool_at_end, trial.record.database_totals
        assert pool is not None
        assert totals is not None
        opened = trial.record.requests_served if pool.limit is None else pool.opened_total
        assert (opened, 0, 0) == (totals.sessions, totals.sessions_killed, totals.sessions_open)
        assert trial.record.transactions == totals.commits + totals.rollbacks


def test_a_trial_is_looked_at_for_errors_all_along(run: Run) -> None:
    for trial in run.trials:
        errors, sessions = trial.readings_of(ErrorsReading), trial.readings_of(DatabaseReading)
        assert len(errors) > 10
        assert len(sessions) > 10
        assert {True} == {reading.waits is not None for reading in sessions}


def test_connections_of_a_pool_that_were_cut_are_abandoned(run: Run) -> None:
    broken = [trial.record for trial in run.trials if trial.record.spec.scenario == "broken"]
    totals = [record.database_totals for record in broken if record.spec.target != "no-pool"]
    assert 2 == len(totals)
    assert all(found is not None and (found.sessions_abandoned or 0) > 0 for found in totals)


def test_the_report_is_written_in_every_format(run_folder: Path) -> None:
    html = (run_folder / "report.html").read_text()
    assert "sync-pool" in html
    assert "sync-pool" in (run_folder / "summary.md").read_text()
    assert "poolstorm-summary" == json.loads((run_folder / "summary.json").read_text())["format"]


def test_latency_is_paid_once_per_round_trip_and_more_without_a_pool(summary: Summary) -> None:
    added_ms = {}
    for name, target in results(summary, "far").items():
        near, far = phase(target, "near").success.p50_ms, phase(target, "far").success.p50_ms
        assert near is not None
        assert far is not None
        added_ms[name] = far - near
    # A pooled synchronous read: pre-ping, BEGIN, SELECT. 40 ms each, and room for a noisy machine.
    assert 2.5 * 40 < added_ms["sync-pool"] < 4.0 * 40
    assert added_ms["no-pool"] > added_ms["sync-pool"] + 40


def test_nothing_is_answered_out_of_a_black_hole(summary: Summary) -> None:
    for target in results(summary, "broken").values():
        hole = window(target, "timeout")
        assert hole.requests > 0
        assert 0 == hole.answered_inside, target.target


def test_a_database_that_is_gone_fails_at_once_and_comes_back_within_a_second(summary: Summary) -> None:
    for target in results(summary, "broken").values():
        down = window(target, "proxy-down")
        assert down.requests > 0
        # What was answered before the healing failed; the last ones may have met the returned database.
        assert down.answered_inside > 0
        assert down.success.count <= down.requests - down.answered_inside, target.target
        assert down.failure.p50_ms is not None
        # Fast against the second for which the proxy was down: the failures did not wait for its return.
        assert down.failure.p50_ms < 400, target.target
        assert down.recovery_ms is not None
        assert down.recovery_ms <= 1000, target.target


def test_a_small_pool_is_exhausted_where_it_must_be(summary: Summary) -> None:
    for name in ("sync-pool", "async-pool"):
        exhaustion = results(summary, "ladder")[name].exhaustion
        assert exhaustion is not None
        # Four connections: four users hold them all, twelve are refused after 0.1 s.
        assert (4, 4) == (exhaustion.limit, exhaustion.checked_out_max), name
        assert (12, "refusals") == (exhaustion.onset_offered, exhaustion.onset_sign), name


def test_money_is_conserved_and_every_acknowledged_transfer_is_stored(run: Run) -> None:
    for trial in run.trials:
        bank = trial.record.bank
        assert bank is not None
        assert bank.total_before_cents == bank.total_after_cents
        assert bank.transfers_stored >= bank.transfers_acknowledged
        assert 0 == bank.negative_balances


def test_every_fault_is_marked_at_both_ends_and_in_order(run: Run) -> None:
    for trial in run.trials:
        if trial.record.spec.scenario != "broken":
            continue
        kinds = [mark.kind for mark in trial.marks if mark.kind.startswith(("inject", "heal"))]
        once = [MarkKind.INJECT_BEGIN, MarkKind.INJECT_DONE, MarkKind.HEAL_BEGIN, MarkKind.HEAL_DONE]
        assert once * 2 == kinds


def test_requests_are_neither_lost_nor_invented(run: Run) -> None:
    for trial in run.trials:
        totals = [reading for reading in trial.readings if reading.source == "generator"]
        assert totals[-1].started_total == sum(
            cell.total for cell in trial.cells if cell.key.measure == "response"
        )


def test_no_password_is_in_any_file_of_the_run(run_folder: Path) -> None:
    texts = {path: path.read_bytes() for path in run_folder.rglob("*") if path.is_file()}
    assert len(texts) > 30
    for path, text in texts.items():
        assert b"postgresql://poolstorm:" not in text, path
        assert b"password=" not in text.lower(), path


def test_a_report_can_be_compiled_again_elsewhere_and_a_run_is_not_compared_with_itself(
    run_folder: Path, tmp_path: Path
) -> None:
    again = poolstorm("report", run_folder, "--output", tmp_path / "again")
    assert 0 == again.returncode, again.stderr
    assert (run_folder / "summary.json").read_text() == (tmp_path / "again" / "summary.json").read_text()
    compared = poolstorm("compare", run_folder, run_folder, "--output", tmp_path / "compared")
    assert 2 == compared.returncode, compared.stderr
    assert "A and B are the same run" in compared.stderr
    assert not (tmp_path / "compared").exists()
