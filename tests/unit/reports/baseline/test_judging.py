"""A finished run held to what is on file: what binds, what advises, and what could not be told."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from harness.errors import PlanError
from harness.records import Conformance, GateRecord, GateSide, Place, Side, TargetInfo, TrialState
from reports.baseline.judging import judged_count
from reports.baseline.renewing import accepted
from reports.gate.verdicts import Verdict, exit_code
from scenarios.limits import Limits
from tests.unit.reports.baseline.support import (
    SCENARIO,
    TODAY,
    cost,
    held,
    names,
    row,
    seen,
    trial,
    with_costs,
    with_latency,
    written,
)
from tests.unit.reports.builder import TrialBuilder, one_phase

READ = "shop/counted/steady/read/statements"
ONE_MORE = with_costs(cost("read", statements=4), cost("write", statements=6, round_trips=6))
LATER = date(2026, 12, 31)


def money_made(one: TrialBuilder) -> None:
    assert one.bank is not None
    one.bank = one.bank.model_copy(update={"total_after_cents": 101})


def fails(one: TrialBuilder) -> None:
    one.state, one.reason = TrialState.FAILED, "the machine was restarted"


def test_the_same_again_holds(tmp_path: Path) -> None:
    found = held(written(tmp_path / "a"), seen(tmp_path / "b"))
    assert Verdict.PASS is found.verdict, found.said
    assert 0 == exit_code(found.verdict)
    assert Verdict.PASS is row(found, READ).verdict
    assert {"shop/counted/all/money-is-conserved", READ} <= names(found, Verdict.PASS)


def test_one_statement_more_on_one_route_is_found_there_and_nowhere_else(tmp_path: Path) -> None:
    found = held(written(tmp_path / "a"), seen(tmp_path / "b", trial(ONE_MORE)))
    assert (Verdict.REGRESSED, 4) == (found.verdict, exit_code(found.verdict))
    assert {READ} == names(found, Verdict.REGRESSED)
    assert (1, 2) == (row(found, READ).was, row(found, READ).now)


def test_one_statement_less_is_an_improvement_that_hides_nothing(tmp_path: Path) -> None:
    less = with_costs(cost("read", statements=0), cost("write", statements=6, round_trips=6))
    found = held(written(tmp_path / "a"), seen(tmp_path / "b", trial(less)))
    assert Verdict.PASS is found.verdict
    assert {READ} == names(found, Verdict.IMPROVED)


@pytest.mark.parametrize(
    ("metric", "on_file", "values", "expected"),
    [
        ("statements", 1, (1,), Verdict.PASS),
        ("statements", 1, (1, 1, 1), Verdict.PASS),
        ("statements", 1, (2,), Verdict.REGRESSED),
        ("statements", 1, (2, 3), Verdict.REGRESSED),
        ("statements", 3, (1, 2), Verdict.IMPROVED),
        ("statements", 1, (1, 2), Verdict.INCONCLUSIVE),  # a count that varies
        ("statements", 1, (), Verdict.INCONCLUSIVE),
        ("round trips", 3, (3,), Verdict.PASS),
        ("round trips", 3, (4,), None),  # timed: one trial's word is not enough
        ("round trips", 3, (4, 4), Verdict.REGRESSED),
        ("round trips", 3, (3, 4), None),
        ("round trips", 3, (4, 5), Verdict.REGRESSED),
        ("round trips", 3, (2, 2), Verdict.IMPROVED),
        ("round trips", 3, (), Verdict.INCONCLUSIVE),
    ],
)
def test_a_count_is_judged_by_every_trial(
    metric: str, on_file: float, values: tuple[float, ...], expected: Verdict | None
) -> None:
    verdict, said = judged_count(metric, on_file, values)
    assert expected is verdict
    assert said


def test_what_must_never_be_is_broken_whatever_is_on_file(tmp_path: Path) -> None:
    on_file = written(tmp_path / "a", trial(money_made))
    found = held(on_file, seen(tmp_path / "b", trial(money_made)))
    assert (Verdict.BROKEN, 4) == (found.verdict, exit_code(found.verdict))
    assert Verdict.BROKEN is held(None, seen(tmp_path / "c", trial(money_made))).verdict


def test_what_held_and_cannot_be_told_now_is_open(tmp_path: Path) -> None:
    def no_bank(one: TrialBuilder) -> None:
        one.bank = None

    found = held(written(tmp_path / "a"), seen(tmp_path / "b", trial(no_bank)))
    assert (Verdict.INCONCLUSIVE, 3) == (found.verdict, exit_code(found.verdict))
    assert "shop/counted/all/money-is-conserved" in names(found, Verdict.INCONCLUSIVE)


def test_counts_that_were_not_asked_for_are_open_and_say_how_to_ask(tmp_path: Path) -> None:
    found = held(written(tmp_path / "a"), seen(tmp_path / "b", trial(with_costs())))
    assert Verdict.INCONCLUSIVE is found.verdict
    assert "--route-costs" in row(found, READ).said


def test_a_route_that_failed_is_not_taken_for_a_cheap_one(tmp_path: Path) -> None:
    failed = with_costs(cost("read", statements=0, failed=1), cost("write", statements=6, round_trips=6))
    found = held(written(tmp_path / "a"), seen(tmp_path / "b", trial(failed)))
    assert Verdict.INCONCLUSIVE is row(found, READ).verdict


def test_a_route_that_is_new_is_named_and_not_compared(tmp_path: Path) -> None:
    def more(one: TrialBuilder) -> None:
        one.route_costs = (*one.route_costs, cost("search", statements=40))

    found = held(written(tmp_path / "a"), seen(tmp_path / "b", trial(more)))
    assert Verdict.PASS is found.verdict
    assert "shop/counted/steady/search/statements" in found.appeared


def test_a_target_on_file_that_was_not_even_planned_is_open(tmp_path: Path) -> None:
    on_file = written(tmp_path / "a", trial(), trial(target="other"))
    found = held(on_file, seen(tmp_path / "b"))
    assert Verdict.INCONCLUSIVE is found.verdict
    assert {"other/counted/all/trials"} == names(found, Verdict.INCONCLUSIVE)


def test_a_trial_that_is_lost_is_invalid_and_never_a_pass(tmp_path: Path) -> None:
    found = held(written(tmp_path / "a"), seen(tmp_path / "b", trial(fails)))
    assert (Verdict.INVALID, 5) == (found.verdict, exit_code(found.verdict))
    assert "the machine was restarted" in row(found, "shop/counted/all/trials").said


def test_a_target_that_answers_wrongly_before_the_load_is_broken(tmp_path: Path) -> None:
    def wrong(one: TrialBuilder) -> None:
        fails(one)
        one.conformance = (Conformance(when="before", name="read-user", passed=False),)

    found = held(written(tmp_path / "a"), seen(tmp_path / "b", trial(wrong)))
    assert (Verdict.BROKEN, 4) == (found.verdict, exit_code(found.verdict))
    assert {"shop/counted/all/answers-right"} == names(found, Verdict.BROKEN)


def test_a_scenario_that_was_run_otherwise_is_invalid(tmp_path: Path) -> None:
    longer = SCENARIO.model_copy(update={"phases": (one_phase(duration_s=3.0),)})
    found = held(written(tmp_path / "a"), seen(tmp_path / "b", trial(scenario=longer)))
    assert Verdict.INVALID is found.verdict
    assert "run otherwise" in row(found, "run/counted/all/configuration").said


def test_another_title_or_another_pool_is_no_other_configuration(tmp_path: Path) -> None:
    def smaller(one: TrialBuilder) -> None:
        one.target = one.target.model_copy(update={"settings": {"pool_size": 1}})

    renamed = SCENARIO.model_copy(update={"title": "Other", "checks": SCENARIO.checks[:1]})
    found = held(written(tmp_path / "a"), seen(tmp_path / "b", trial(smaller, scenario=renamed)))
    assert not names(found, Verdict.INVALID)


def test_the_first_run_has_nothing_to_be_held_against(tmp_path: Path) -> None:
    found = held(None, seen(tmp_path / "a"))
    assert (Verdict.INCONCLUSIVE, 3) == (found.verdict, exit_code(found.verdict))
    assert found.may_be_first
    assert not held(None, seen(tmp_path / "b", trial(fails))).may_be_first


def test_limits_bind_with_a_baseline_and_without(tmp_path: Path) -> None:
    limits = {"limits": {"counted": Limits(p99_ms=5)}}
    on_file = written(tmp_path / "a")
    for number, baseline in enumerate((on_file, None)):
        found = held(baseline, seen(tmp_path / str(number), **limits))  # type: ignore[arg-type]
        assert Verdict.BROKEN is found.verdict
        assert {"shop/counted/steady/all/limit-p99_ms"} == names(found, Verdict.BROKEN)


def test_clocks_never_bind(tmp_path: Path) -> None:
    on_file = written(tmp_path / "a")
    for number in range(5):
        on_file = written(tmp_path / str(number), trial(with_latency(10 + 0.1 * number)), before=on_file)
    slow = held(on_file, seen(tmp_path / "b", trial(with_latency(100))))
    assert Verdict.PASS is slow.verdict
    (p50,) = [one for one in slow.advice if one.name == "shop/counted/steady/all/p50"]
    assert "worse than past jobs on this machine" in p50.remark
    assert 6 == p50.jobs
    elsewhere = held(on_file, seen(tmp_path / "c", trial(with_latency(100)), machine="Another CPU"))
    assert Verdict.PASS is elsewhere.verdict
    assert not [one for one in elsewhere.advice if one.remark]


def test_an_acceptance_lets_a_finding_pass_until_its_last_day(tmp_path: Path) -> None:
    on_file = accepted(written(tmp_path / "a"), READ, "one is to be saved later", LATER, TODAY)
    found = held(on_file, seen(tmp_path / "b", trial(ONE_MORE)))
    assert Verdict.PASS is found.verdict
    assert (Verdict.REGRESSED, "one is to be saved later") == (row(found, READ).verdict, row(found, READ).accepted)
    past = on_file.model_copy(
        update={"acceptances": (on_file.acceptances[0].model_copy(update={"expires": date(2026, 5, 31)}),)}
    )
    with pytest.raises(PlanError, match="expired on 2026-05-31"):
        held(past, seen(tmp_path / "c"))


def test_an_acceptance_that_covers_nothing_is_named(tmp_path: Path) -> None:
    on_file = accepted(written(tmp_path / "a"), "p99", "it is known to be slow", LATER, TODAY)
    assert ("*/p99",) == held(on_file, seen(tmp_path / "b")).unused_acceptances


def test_what_is_invalid_cannot_be_accepted(tmp_path: Path) -> None:
    on_file = accepted(written(tmp_path / "a"), "statements", "known", LATER, TODAY)
    assert Verdict.INVALID is held(on_file, seen(tmp_path / "b", trial(fails))).verdict


def test_of_a_gate_the_head_counts_under_its_own_name(tmp_path: Path) -> None:
    sides = []
    for side, place in (("base", Side.BASE), ("head", Side.HEAD)):
        one = trial(ONE_MORE if side == "head" else with_costs(cost("read"), cost("write", statements=6)))
        one.target = TargetInfo(
            name=side, title="shop", teaches="", place=Place(pair="shop", side=place, position=1)
        )
        sides.append(one)
    gate = GateRecord(base=GateSide(name="shop"), head=GateSide(name="shop", revision="b" * 40), pairs=(1, 1))
    run = seen(tmp_path / "gate", *sides, gate=gate)
    assert {"shop"} == {pair.target for pair in run.planned}
    assert "b" * 40 == run.job.revision
    assert {READ} == names(held(written(tmp_path / "a"), run), Verdict.REGRESSED)


def test_a_late_generator_spoils_clocks_and_no_counts(tmp_path: Path) -> None:
    def lags(one: TrialBuilder) -> None:
        ONE_MORE(one)
        one.requests = [type(r)(r.phase, r.sent_s, 60.0, service_ms=10.0) for r in one.requests]

    run = seen(tmp_path / "late", trial(lags))
    assert not [series for series in run.varied if series.metric == "p50"]
    assert {READ} == names(held(written(tmp_path / "a"), run), Verdict.REGRESSED)


def test_a_gate_whose_head_could_not_be_measured_is_broken_and_not_to_be_accepted(tmp_path: Path) -> None:
    on_file = accepted(written(tmp_path / "a"), "statements", "known", LATER, TODAY)
    run = replace(seen(tmp_path / "b"), broken_before="head cannot be measured: it ended with 7")
    found = held(on_file, run)
    assert Verdict.BROKEN is found.verdict
    assert {"head/all/preflight"} == names(found, Verdict.BROKEN)
