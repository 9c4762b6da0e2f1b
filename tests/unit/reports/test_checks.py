"""Checks pass on evidence, break on evidence, and are undecided without it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.records import Bank, DatabaseReading, MarkKind, Outcome, PathAnswer, TrialState
from reports.analyse import analyse
from reports.analysis import checks
from reports.analysis.checks import _JUDGES
from reports.analysis.correctness import Judgement
from reports.read import read_run
from reports.summary import CheckResult
from scenarios.model import Check, CheckKind, Phase, Scenario
from tests.unit.reports.builder import Request, TrialBuilder, one_phase, pool_reading, target_info, write_run

FAILED = (Outcome.FAILED, "database-unavailable")
Change = Callable[[TrialBuilder], object]


def good_trial(check: Check) -> TrialBuilder:
    """Four seconds of successes, the proxy down from 1 to 2 s with quick failures, money and pool in order."""
    scenario = Scenario(name="s", title="S", question="?", phases=(one_phase(duration_s=4.0),), checks=(check,))
    trial = TrialBuilder(scenario, target_info("a"))
    trial.mark_phases()
    trial.mark_fault("steady/1:proxy-down", planned_s=1.0, heal_planned_s=2.0)
    times = [0.05 * n + 0.02 for n in range(80)]
    trial.requests += [Request("steady", t, 5, *(FAILED if 1 <= t < 2 else ())) for t in times]
    trial.bank = bank()
    trial.pool_at_end = pool_reading(4.1, 0, checked_out_max=6)
    trial.sessions_before, trial.sessions_at_end = sessions(idle=1), sessions()
    trial.answers = (answer(), answer(same=None))
    return trial


def bank(after: int = 1000, stored: int = 5, acknowledged: int = 5, negative: int = 0) -> Bank:
    return Bank(
        total_before_cents=1000,
        total_after_cents=after,
        transfers_stored=stored,
        transfers_acknowledged=acknowledged,
        negative_balances=negative,
    )


def sessions(active: int = 0, idle: int = 3, idle_in_transaction: int = 0) -> DatabaseReading:
    total = active + idle + idle_in_transaction
    return DatabaseReading(t_ns=0, active=active, idle=idle, idle_in_transaction=idle_in_transaction, total=total)


def answer(before: int = 200, after: int = 200, same: bool | None = True, error: str = "") -> PathAnswer:
    return PathAnswer(path="/items", status_before=before, status_after=after, same_body=same, error=error)


def judged(path: Path, *trials: TrialBuilder) -> CheckResult:
    for repetition, trial in enumerate(trials, start=1):
        trial.repetition = repetition
    (result,) = analyse(read_run(write_run(path / "run", list(trials)))).scenarios[0].targets[0].checks
    return result


def changed(check: Check, change: Change) -> TrialBuilder:
    trial = good_trial(check)
    change(trial)
    return trial


def give(**fields: object) -> Change:
    """A change that sets fields of the trial."""

    def change(trial: TrialBuilder) -> None:
        for name, value in fields.items():
            setattr(trial, name, value)

    return change


def fail_at(sent_s: float, latency_ms: float = 5) -> Change:
    return lambda trial: trial.requests.append(Request("steady", sent_s, latency_ms, *FAILED))


OUTSIDE = Check(kind="no-errors-outside-faults")
RECOVERS = Check(kind="recovers-within", limit=300)
FAST = Check(kind="fails-fast", limit=100)
MONEY = Check(kind="money-is-conserved")
LEAKS = Check(kind="no-leaked-connections")
SESSIONS = Check(kind="sessions-at-base")
ANSWERS = Check(kind="answers-unchanged")


@pytest.mark.parametrize(
    "check", [OUTSIDE, RECOVERS, FAST, MONEY, LEAKS, SESSIONS, ANSWERS], ids=lambda check: check.kind
)
def test_good_trial_passes(tmp_path: Path, check: Check) -> None:
    assert judged(tmp_path, good_trial(check)).verdict == "passed"


@pytest.mark.parametrize(
    ("check", "change", "evidence"),
    [
        (OUTSIDE, fail_at(3.5), "1 of 61 requests failed"),  # 80 less 20 inside, and the failure
        (RECOVERS, fail_at(2.35), "after 400 ms"),  # healed at 2.0, steady from 2.4
        (RECOVERS, fail_at(3.99), "no steady success"),
        (FAST, fail_at(1.55, 700), "p99 of 21 failures"),
        (MONEY, give(bank=bank(after=990)), "changed by -10 cents"),
        (MONEY, give(bank=bank(negative=2)), "2 balances are negative"),
        (MONEY, give(bank=bank(stored=4, acknowledged=5)), "1 acknowledged transfers are not"),
        (LEAKS, give(pool_at_end=pool_reading(4.1, 2)), "2 connections still out"),
        (
            SESSIONS,
            give(sessions_at_end=sessions(idle_in_transaction=2)),
            "2 sessions are idle inside a transaction",
        ),
        (SESSIONS, give(sessions_at_end=sessions(active=1)), "1 sessions are at work after the drain, 0 before"),
        (ANSWERS, give(answers=(answer(), answer(after=500))), "/items answered 500 after the load, 200 before"),
        (ANSWERS, give(answers=(answer(same=False),)), "/items has other content"),
        (
            ANSWERS,
            give(answers=(answer(after=0, error="timed out"),)),
            "gave no answer after the load (timed out)",
        ),
    ],
)
def test_broken_expectation_says_what_broke_it(
    tmp_path: Path, check: Check, change: Change, evidence: str
) -> None:
    result = judged(tmp_path, changed(check, change))

    assert result.verdict == "broken"
    assert evidence in result.evidence


def keep_only(keep: Callable[[Request], bool]) -> Change:
    def change(trial: TrialBuilder) -> None:
        trial.requests = [request for request in trial.requests if keep(request)]

    return change


def without_faults(trial: TrialBuilder) -> None:
    trial.marks = [mark for mark in trial.marks if not mark.fault]


@pytest.mark.parametrize(
    ("check", "change"),
    [
        (OUTSIDE, keep_only(lambda request: 1 <= request.sent_s < 2)),
        (RECOVERS, without_faults),
        (RECOVERS, keep_only(lambda request: request.sent_s < 2)),
        (Check(kind="recovers-within"), give()),  # names no limit
        (FAST, without_faults),
        (FAST, keep_only(lambda request: request.outcome is Outcome.OK)),
        (RECOVERS, lambda trial: trial.mark(1.1, MarkKind.UNPROVED, "steady/1:proxy-down")),
        (FAST, lambda trial: trial.mark(1.1, MarkKind.UNPROVED, "steady/1:proxy-down")),
        (MONEY, give(bank=None)),
        (MONEY, give(bank=bank(stored=0, acknowledged=0))),
        (LEAKS, give(pool_at_end=None)),
        (LEAKS, give(pool_at_end=pool_reading(4.1, 0, checked_out_max=0))),
        (Check(kind="exhausts"), give()),  # no ladder
        (SESSIONS, give(sessions_before=None)),
        (SESSIONS, give(sessions_at_end=None)),
        (ANSWERS, give(answers=())),
        (ANSWERS, give(answers=(answer(before=404, after=404),))),
    ],
)
def test_missing_evidence_is_undecided(tmp_path: Path, check: Check, change: Change) -> None:
    result = judged(tmp_path, changed(check, change))

    assert result.verdict == "undecided"
    assert result.evidence


def test_sessions_that_an_app_holds_from_the_start_are_its_base(tmp_path: Path) -> None:
    trial = good_trial(SESSIONS)
    trial.sessions_before = trial.sessions_at_end = sessions(active=1, idle_in_transaction=2)
    assert judged(tmp_path, trial).verdict == "passed"


@pytest.mark.parametrize("kind", sorted(_JUDGES))
def test_no_completed_trial_is_undecided(tmp_path: Path, kind: CheckKind) -> None:
    trial = good_trial(Check(kind=kind, limit=100))
    trial.state, trial.reason = TrialState.FAILED, "did not start"

    assert judged(tmp_path, trial).verdict == "undecided"


def test_broken_outranks_undecided_and_undecided_outranks_passed(tmp_path: Path) -> None:
    good, silent, bad = good_trial(MONEY), good_trial(MONEY), good_trial(MONEY)
    silent.bank, bad.bank = None, bank(after=1)

    assert judged(tmp_path / "a", good, silent).verdict == "undecided"
    assert judged(tmp_path / "b", good, silent, bad).verdict == "broken"


def ladder_trial(*, out: int, limit: int | None, refused: int = 0, failed: int = 0) -> TrialBuilder:
    phases = tuple(Phase(name=f"users-{n}", duration_s=1.0, users=n, behaviour="holder") for n in (5, 10, 20))
    scenario = Scenario(name="s", title="S", question="?", phases=phases, checks=(Check(kind="exhausts"),))
    trial = TrialBuilder(scenario, target_info("a"))
    trial.mark_phases()
    trial.requests += [Request(phase.name, n + 0.1, 500) for n, phase in enumerate(phases)]
    trial.requests += [Request("users-20", 2.2, 100, Outcome.REFUSED, "pool-exhausted")] * refused
    trial.requests += [Request("users-20", 2.2, 5, *FAILED)] * failed
    trial.readings.append(pool_reading(2.5, out, limit=limit))
    return trial


@pytest.mark.parametrize(
    ("out", "limit", "refused", "failed", "verdict"),
    [
        (10, 30, 3, 0, "passed"),  # refusals speak, whatever the gauge caught
        (30, 30, 0, 0, "passed"),
        (29, 30, 0, 0, "broken"),
        (20, None, 0, 4, "undecided"),  # no pool that could run out; the database refused
        (20, None, 1, 0, "passed"),
    ],
)
def test_exhausts_needs_refusals_or_a_pool_wholly_out(
    tmp_path: Path, out: int, limit: int | None, refused: int, failed: int, verdict: str
) -> None:
    assert judged(tmp_path, ladder_trial(out=out, limit=limit, refused=refused, failed=failed)).verdict == verdict


def test_check_that_crashes_is_undecided_with_its_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(limit: float | None, evidence: checks.Evidence) -> Judgement:
        raise ZeroDivisionError(f"{limit} of {len(evidence.observed)}")

    monkeypatch.setitem(checks._JUDGES, "exhausts", crash)

    result = judged(tmp_path, good_trial(Check(kind="exhausts")))

    assert result.verdict == "undecided"
    assert result.evidence == "the check could not be carried through (ZeroDivisionError: None of 1)"
