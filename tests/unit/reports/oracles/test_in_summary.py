"""From a run's folder to what the oracles say of it: what is folded of the latencies, and what is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.records import Bank, Outcome, Stored, Write
from reports.analyse import analyse
from reports.oracles.cases import BROKEN, ORACLES, PASSED, UNKNOWN
from reports.read import read_run
from reports.summary import OracleResult
from scenarios.model import Scenario
from tests.unit.reports.builder import (
    Request,
    TrialBuilder,
    ns,
    one_phase,
    pool_reading,
    target_info,
    write_run,
)
from tests.unit.reports.oracles.world import sessions

LONG = Scenario(name="long", title="Long", question="?", phases=(one_phase(duration_s=9.0),))
POOL: dict[str, int | float | str | bool | None] = {"pool_size": 10, "max_overflow": 20, "pool_timeout_s": 0.2}


def trial_of(scenario: Scenario = LONG) -> TrialBuilder:
    trial = TrialBuilder(scenario, target_info("a", POOL))
    trial.mark_phases()
    return trial


def oracles_of(tmp_path: Path, trial: TrialBuilder) -> dict[str, OracleResult]:
    (target,) = analyse(read_run(write_run(tmp_path / "run", [trial]))).scenarios[0].targets
    assert "completed" == target.trials[0].state, target.trials[0].reason
    return {result.oracle: result for result in target.oracles}


def transfers(trial: TrialBuilder, count: int = 40) -> None:
    """So many transfers, each acknowledged, stored and in the history."""
    for number in range(count):
        sent_s = 0.1 + number / 10
        trial.requests.append(Request("steady", sent_s, 5.0, operation="transfer"))
        trial.writes.append(
            Write(
                token=f"t{number}",
                operation="transfer",
                phase="steady",
                sent_ns=ns(sent_s),
                answered_ns=ns(sent_s + 0.005),
                outcome=Outcome.OK,
                kind="-",
            )
        )
        trial.stored.append(Stored(token=f"t{number}"))
    trial.bank = Bank(
        total_before_cents=7,
        total_after_cents=7,
        transfers_stored=len(trial.stored),
        transfers_acknowledged=count,
        negative_balances=0,
    )


def test_a_trial_is_judged_by_what_lies_in_its_folder(tmp_path: Path) -> None:
    trial = trial_of()
    transfers(trial)
    trial.readings += [pool_reading(n / 10, n % 9) for n in range(1, 80)]
    trial.readings += [sessions(n / 5, 10) for n in range(1, 40)]
    trial.pool_at_end = pool_reading(9, 0, checkouts_total=40)
    trial.sessions_at_end = sessions(9, 10)
    found = oracles_of(tmp_path, trial)
    assert set(ORACLES) == set(found)
    passed = {name for name, result in found.items() if result.verdict is PASSED}
    assert {"acquire", "bank", "bound", "leak", "ledger"} == passed
    assert "no fault was healed" == found["recovery"].said
    assert (UNKNOWN, 0) == (found["staleness"].verdict, found["staleness"].evidence)
    assert 40 == found["ledger"].evidence


def test_an_acknowledged_transfer_that_is_not_stored_breaks_the_ledger(tmp_path: Path) -> None:
    trial = trial_of()
    transfers(trial)
    assert trial.bank is not None
    trial.stored.pop()
    trial.bank = trial.bank.model_copy(update={"transfers_stored": 39})
    found = oracles_of(tmp_path, trial)
    assert (BROKEN, "of 40 transfers 1 were acknowledged and not stored") == (
        found["ledger"].verdict,
        found["ledger"].said,
    )


def test_a_list_that_ends_at_its_bound_decides_nothing(tmp_path: Path) -> None:
    trial = trial_of()
    transfers(trial)
    trial.stored.pop()
    ledger = oracles_of(tmp_path, trial)["ledger"]
    assert (UNKNOWN, "39 of the 40 stored transfers are listed") == (ledger.verdict, ledger.said)


def test_a_run_from_before_histories_decides_nothing(tmp_path: Path) -> None:
    trial = trial_of()
    transfers(trial)
    trial.writes, trial.stored = [], []
    ledger = oracles_of(tmp_path, trial)["ledger"]
    assert (UNKNOWN, "no history was kept") == (ledger.verdict, ledger.said)


def test_an_arrival_that_never_came_to_sending_is_no_hole(tmp_path: Path) -> None:
    trial = trial_of()
    transfers(trial)
    trial.requests.append(Request("steady", 8, 5.0, Outcome.FAILED, "never-sent", operation="transfer"))
    assert PASSED is oracles_of(tmp_path, trial)["ledger"].verdict


@pytest.mark.parametrize(("refused_after_ms", "verdict"), [(210.0, PASSED), (900.0, BROKEN)])
def test_refusals_count_by_how_long_they_had_waited_and_not_by_their_latency(
    tmp_path: Path, refused_after_ms: float, verdict: object
) -> None:
    trial = trial_of()
    for number in range(40):
        trial.requests.append(
            Request(
                *("steady", number / 10, 5_000.0, Outcome.REFUSED, "pool-exhausted"),
                refused_after_ms=refused_after_ms,
            )
        )
    assert verdict is oracles_of(tmp_path, trial)["acquire"].verdict


def healed_trial(after_ms: list[float | None], end_s: float = 9.0) -> TrialBuilder:
    """5 ms before a fault from 1 to 2 s, then ten requests each 0.1 s of that latency; None: failures."""
    trial = trial_of(Scenario(name="long", title="L", question="?", phases=(one_phase(duration_s=end_s),)))
    trial.mark_fault("steady/1:proxy-down", planned_s=1.0, heal_planned_s=2.0)
    trial.requests += [Request("steady", n / 100, 5.0) for n in range(100)]
    for tenth in range(round((end_s - 2) * 10)):
        latency_ms = after_ms[min(tenth, len(after_ms) - 1)]
        for n in range(10):
            sent_s = 2 + tenth / 10 + n / 101
            failed = Request("steady", sent_s, 5.0, Outcome.FAILED, "gone")
            trial.requests.append(failed if latency_ms is None else Request("steady", sent_s, latency_ms))
    return trial


def test_recovery_is_told_to_the_first_success_the_usual_median_and_the_usual_p99(tmp_path: Path) -> None:
    found = oracles_of(tmp_path, healed_trial([None, None, None, 80.0, 80.0, 5.0]))["recovery"]
    assert PASSED is found.verdict, found.said
    assert [300.0, 500.0, 500.0] == [figure.value for figure in found.figures]


def test_one_that_never_comes_back_is_broken_where_it_was_watched_for_long_enough(tmp_path: Path) -> None:
    found = oracles_of(tmp_path, healed_trial([None]))["recovery"]
    assert (BROKEN, "proxy-down in steady: no success in the 7000 ms after the healing") == (
        found.verdict,
        found.said,
    )
    assert [7000.0, 7000.0, 7000.0] == [figure.low for figure in found.figures]


def test_one_that_the_end_cuts_off_is_open(tmp_path: Path) -> None:
    found = oracles_of(tmp_path, healed_trial([80.0], end_s=3.0))["recovery"]
    assert (UNKNOWN, "proxy-down in steady: no usual p50 in the 1000 ms after the healing") == (
        found.verdict,
        found.said,
    )
    assert [0.0, None, None] == [figure.value for figure in found.figures]


def test_a_phase_of_another_load_does_not_tell_of_a_recovery(tmp_path: Path) -> None:
    phases = (one_phase("calm", 2.0), one_phase("busy", 6.0, rate_per_s=500))
    trial = trial_of(Scenario(name="two", title="T", question="?", phases=phases))
    trial.mark_fault("calm/1:proxy-down", planned_s=1.0, heal_planned_s=1.5)
    trial.requests += [Request("calm", n / 100, 5.0) for n in range(100)]
    trial.requests += [Request("calm", 1.5 + n / 20, 5.0) for n in range(9)]
    trial.requests += [Request("busy", 2 + n / 100, 5.0) for n in range(500)]
    found = oracles_of(tmp_path, trial)["recovery"]
    assert (UNKNOWN, 9) == (found.verdict, found.evidence)
