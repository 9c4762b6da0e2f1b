"""What cannot be judged is invalid, and says why; what can be is judged all the same."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.errors import PlanError
from reports.gate.looks import Look
from reports.gate.model import Measured
from reports.gate.verdicts import Verdict
from tests.unit.reports.gate.support import (
    PAIRS,
    gate,
    in_phase,
    in_route,
    look,
    measured,
    of,
    only_in,
    row,
    slower,
    then,
)

LATE = in_phase(generator_late=True, generator_lag_ms=60.0)


def test_too_few_pairs_are_invalid_and_say_what_became_of_them() -> None:
    result = gate(only_in(range(2), lambda slot, _: replace(slot, lost="did not answer in 30 s", phases={})))

    assert result.verdict is Verdict.INVALID
    assert row(result, "pairs").said == f"{PAIRS - 2} of {PAIRS} pairs were measured: head did not answer in 30 s"
    assert row(result, "p50").verdict is Verdict.INVALID


def test_pairs_that_are_absent_are_missing() -> None:
    whole = measured()

    assert look(replace(whole, pairs=whole.pairs[1:])).verdict is Verdict.INVALID


def test_nothing_measured_passes_nothing() -> None:
    result = look(Measured(pairs_planned=PAIRS, pairs=(), seed=1))

    assert result.verdict is Verdict.INVALID
    assert result.rows == ()
    assert result.said == "nothing was measured, so there is nothing to judge"


def test_a_pair_that_was_replaced_by_a_further_one_is_no_loss() -> None:
    more = measured(base=only_in(range(1), LATE), pairs=PAIRS + 1)

    result = look(replace(more, pairs_planned=PAIRS))

    assert result.verdict is Verdict.PASS
    assert row(result, "p50").pairs == PAIRS
    assert row(result, "cpu").pairs == PAIRS + 1


def test_other_configurations_are_invalid() -> None:
    result = gate(slower(1.3), base=only_in(range(1), lambda slot, _: replace(slot, configuration="other")))

    assert result.verdict is Verdict.INVALID
    assert "different configurations" in row(result, "pairs").said


@pytest.mark.parametrize("late", [LATE, in_phase(offered_share=0.98)])
def test_a_late_generator_of_base_makes_times_invalid(late: object) -> None:
    result = gate(slower(1.3), base=only_in(range(1), late))  # type: ignore[arg-type]

    assert result.verdict is Verdict.INVALID
    assert row(result, "p50").verdict is Verdict.INVALID
    assert f"in 1 of {PAIRS} pairs" in row(result, "p50").said


def test_what_needs_no_clock_is_judged_though_both_generators_are_late() -> None:
    more = in_route(lambda one, _: replace(one, counts={"statements": 4.0}))

    result = gate(then(more, LATE), base=LATE)

    assert ("statements", "all") in of(result, Verdict.REGRESSED)
    assert row(result, "cpu").verdict is Verdict.PASS
    assert result.verdict is Verdict.REGRESSED


def test_less_than_was_offered_is_expected_where_a_phase_saturates() -> None:
    from reports.gate.model import PhaseKind

    saturating = in_phase(kind=PhaseKind.SATURATING, offered_share=0.5, throughput_per_s=90.0)

    assert gate(both=saturating).verdict is Verdict.PASS


def test_a_phase_that_only_one_side_went_through_is_invalid() -> None:
    result = gate(only_in(range(3), lambda slot, _: replace(slot, phases={})))

    assert row(result, "phase").said == f"both sides went through this phase in {PAIRS - 3} of {PAIRS} pairs"
    assert result.verdict is Verdict.INVALID


@pytest.mark.parametrize(("at", "fewest"), [(Look.ONLY, 9), (Look.FIRST, 11), (Look.FINAL, 10)])
def test_a_gate_that_could_never_fail_is_refused(at: Look, fewest: int) -> None:
    with pytest.raises(PlanError, match=f"{fewest - 1} pairs could never fail.*ask for {fewest} pairs"):
        look(measured(pairs=fewest - 1), at)

    look(measured(pairs=fewest), at)


def test_the_fewest_pairs_can_fail() -> None:
    same_in_each = measured(slower(1.3), pairs=9, noise=0.0)

    assert look(same_in_each).verdict is Verdict.REGRESSED


def test_targets_are_judged_apart_in_one_family() -> None:
    one = measured()
    lost = tuple(replace(pair, target="async-pool", head=replace(pair.head, lost="no port")) for pair in one.pairs)
    slow = tuple(replace(pair, target="no-pool") for pair in measured(slower(1.3)).pairs)

    result = look(replace(one, pairs=one.pairs + lost + slow))

    verdicts = {(line.target, line.verdict) for line in result.rows if line.metric in ("p50", "pairs")}
    assert verdicts == {
        ("sync-pool", Verdict.PASS), ("async-pool", Verdict.INVALID), ("no-pool", Verdict.REGRESSED)
    }  # fmt: skip
    assert result.verdict is Verdict.REGRESSED
    assert result.family > look(one).family
