"""What the gate says: ranks, exit codes, looks, acceptances, sentences and JSON."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import PlanError
from reports.gate import judge
from reports.gate.acceptances import Acceptance
from reports.gate.looks import ALPHA, PASS_LEVEL, Look
from reports.gate.model import Breach
from reports.gate.result import GateResult
from reports.gate.verdicts import Exit, Inconclusive, Verdict, exit_code, rank, worst
from tests.unit.reports.gate.support import PAIRS, ROUTE, TODAY, gate, look, measured, only_in, row, slower

P50 = f"sync-pool/baseline/hold/{ROUTE}/p50"


def accepting(pattern: str, expires: date = TODAY, reason: str = "indexed later") -> tuple[Acceptance, ...]:
    return (Acceptance(pattern, reason, expires),)


@given(st.lists(st.sampled_from(Verdict), min_size=1))
def test_the_worst_decides_in_any_order(verdicts: list[Verdict]) -> None:
    assert worst(verdicts) is worst(reversed(verdicts)) is Verdict(min(verdicts, key=list(Verdict).index))


def test_verdicts_rank() -> None:
    assert sorted(Verdict, key=rank) == [
        Verdict.BROKEN, Verdict.REGRESSED, Verdict.INVALID, Verdict.INCONCLUSIVE, Verdict.PASS, Verdict.IMPROVED,
    ]  # fmt: skip
    assert worst([]) is Verdict.INVALID


def test_exit_codes() -> None:
    assert {verdict: int(exit_code(verdict)) for verdict in Verdict} == {
        Verdict.BROKEN: 4, Verdict.REGRESSED: 4, Verdict.INVALID: 5, Verdict.INCONCLUSIVE: 3, Verdict.PASS: 0,
        Verdict.IMPROVED: 0,
    }  # fmt: skip
    assert exit_code(Verdict.INCONCLUSIVE, Inconclusive.WARN) is Exit.PASS
    assert exit_code(Verdict.REGRESSED, Inconclusive.WARN) is Exit.REGRESSED
    assert 1 not in list(Exit)


def test_two_looks_spend_what_one_may() -> None:
    assert Look.FIRST.alpha + Look.FINAL.alpha == pytest.approx(ALPHA)
    assert (Look.FIRST.alpha, Look.FINAL.alpha) == pytest.approx((0.0006, 0.0014))
    assert Look.FIRST.pass_level + Look.FINAL.pass_level == pytest.approx(PASS_LEVEL)


def test_only_an_undecided_first_look_goes_on() -> None:
    unclear, clear = measured(noise=0.15), measured()

    assert look(unclear, Look.FIRST).go_on
    assert not look(unclear, Look.FINAL).go_on
    assert not look(unclear).go_on
    assert not look(clear, Look.FIRST).go_on


def test_an_accepted_finding_is_shown_with_its_reason_and_does_not_decide() -> None:
    result = gate(slower(1.3, ROUTE), acceptances=accepting(f"sync-pool/baseline/hold/{ROUTE}/p*"))

    assert row(result, "p50", ROUTE).verdict is Verdict.REGRESSED
    assert row(result, "p50", ROUTE).accepted == "indexed later"
    assert result.verdict is Verdict.PASS
    assert "2 accepted" in result.said


def test_an_acceptance_covers_what_it_names_alone() -> None:
    assert gate(slower(1.3), acceptances=accepting(P50)).verdict is Verdict.REGRESSED


def test_a_name_is_meant_as_it_is_written() -> None:
    assert Acceptance("a/GET /[id]/p50", "x", TODAY).covers("a/GET /[id]/p50")
    assert Acceptance("a/GET /*/p50", "x", TODAY).covers("a/GET /[id]/p50")
    assert not Acceptance("a/GET /*/p50", "x", TODAY).covers("a/GET /[id]/p99")


def test_only_an_acceptance_lets_a_breach_pass() -> None:
    def breached(slot: object, number: int) -> object:
        return replace(slot, breaches=(Breach("money", "made"),))  # type: ignore[type-var]

    result = gate(only_in(range(1), breached), acceptances=accepting("sync-pool/all/money"))  # type: ignore[arg-type]

    assert result.verdict is Verdict.PASS
    assert len(result.breaches) == 1


def test_what_is_invalid_cannot_be_accepted() -> None:
    whole = measured()

    result = look(replace(whole, pairs=whole.pairs[1:]), acceptances=accepting("sync-pool/*pairs"))

    assert result.verdict is Verdict.INVALID


def test_an_acceptance_holds_on_its_last_day_and_is_an_error_on_the_next() -> None:
    last_day = gate(slower(1.3, ROUTE), acceptances=accepting(f"*{ROUTE}/p*", TODAY))
    assert last_day.verdict is Verdict.PASS

    with pytest.raises(PlanError, match=r"acceptance of 'x/p50' expired on 2026-05-31; mend"):
        gate(acceptances=accepting("x/p50", date(2026, 5, 31)))


@pytest.mark.parametrize(("pattern", "reason"), [("*", "all is well"), ("*/**", "all is well"), (P50, " ")])
def test_an_acceptance_without_a_reason_or_of_everything_is_refused(pattern: str, reason: str) -> None:
    with pytest.raises(PlanError):
        gate(acceptances=accepting(pattern, reason=reason))


def test_an_acceptance_that_covers_nothing_is_named() -> None:
    assert gate(acceptances=accepting("gone/p50")).unused_acceptances == ("gone/p50",)


def test_it_goes_to_json_and_back() -> None:
    for result in (gate(slower(1.2)), gate(noise=0.2), gate(slower(1.2), noise=0.0)):
        text = result.model_dump_json()
        assert "NaN" not in text
        assert "Infinity" not in text
        assert GateResult.model_validate_json(text) == result
        assert json.loads(text)["format"] == "poolstorm-gate"


def test_rows_are_worst_first() -> None:
    ranks = [rank(one.verdict) for one in gate(slower(1.15), noise=0.05).rows]

    assert ranks == sorted(ranks)
    assert len(set(ranks)) > 1


def test_sentences() -> None:
    slow = row(gate(slower(1.2), noise=0.002), "p50", ROUTE).said
    assert slow.startswith("20 % slower (between 20 % slower and 20 % slower); by chance once in ")
    assert row(gate(), "p50").said.endswith("; 10 % worse is ruled out")
    assert row(gate(), "errors").said == f"errors in head alone in 0 pairs, in base alone in 0, of {PAIRS}"
    assert row(gate(noise=0.0), "p50").said == "equal; 10 % worse is ruled out"


def test_the_flips_of_scipy_and_those_made_beforehand_judge_alike() -> None:
    pairs = measured(slower(1.1), noise=0.06, pairs=12)

    assert judge(pairs, today=TODAY) == look(pairs)


def test_a_seed_decides_all_where_flips_are_drawn() -> None:
    pairs = measured(slower(1.06), pairs=18, noise=0.06)

    first = judge(pairs, today=TODAY)

    assert not first.exact
    assert first == judge(pairs, today=TODAY)
    assert first != judge(replace(pairs, seed=8), today=TODAY)
