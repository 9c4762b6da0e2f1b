"""Each planted trouble gets its verdict, and nothing else does."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from reports.gate.model import Breach, Observed, Phase, PhaseKind, Quantiles, Recovery, Slot
from reports.gate.result import GateResult
from reports.gate.verdicts import Verdict
from tests.unit.reports.gate.support import (
    PAIRS,
    ROUTE,
    STEADY,
    Change,
    gate,
    in_phase,
    in_route,
    look,
    measured,
    observed,
    of,
    only_in,
    row,
    slower,
    then,
)


def errors(count: int, route: str | None = None) -> Change:
    return in_route(lambda one, _: replace(one, errors=count), route)


def counted(name: str, value: float) -> Change:
    return in_route(lambda one, _: replace(one, counts={**one.counts, name: value}))


def saturating(slot: Slot, number: int) -> Slot:
    return in_phase(kind=PhaseKind.SATURATING, throughput_per_s=100.0 + number % 3)(slot, number)


def test_the_same_on_both_sides_passes_in_every_row() -> None:
    result = gate()

    assert result.verdict is Verdict.PASS
    assert {one.verdict for one in result.rows} == {Verdict.PASS}
    assert {one.metric for one in result.rows} == {
        "p50", "p99", "cpu", "generator-lag", "error-share", "errors", "crashes", "statements",
    }  # fmt: skip


def test_a_slower_head_regresses() -> None:
    result = gate(slower(1.15))

    assert result.verdict is Verdict.REGRESSED
    found = row(result, "p50")
    assert found.effect == pytest.approx(math.log(1.15), abs=0.03)
    assert found.low is not None
    assert found.high is not None
    assert found.effect is not None
    assert 0 < found.low < found.effect < found.high
    assert found.p is not None
    assert found.p <= result.alpha
    assert result.rows[0].verdict is Verdict.REGRESSED


def test_a_faster_head_is_an_improvement_and_what_is_as_before_makes_it_a_pass() -> None:
    result = gate(slower(1 / 1.25))

    assert ("p50", "all") in of(result, Verdict.IMPROVED)
    assert result.verdict is Verdict.PASS
    assert of(result, Verdict.REGRESSED) == set()


def test_an_improvement_hides_no_unresolved_p99() -> None:
    def vague(slot: Slot, number: int) -> Slot:
        wide = 3.0 ** (1 if number % 2 else -1)
        return in_route(
            lambda one, _: replace(one, successes=Quantiles(one.successes.p50_ms, 25 * wide)), ROUTE
        )(slot, number)  # fmt: skip

    result = gate(then(slower(1 / 1.3), vague))

    assert ("p50", ROUTE) in of(result, Verdict.IMPROVED)
    assert of(result, Verdict.INCONCLUSIVE) == {("p99", ROUTE)}
    assert result.verdict is Verdict.INCONCLUSIVE


def test_a_true_difference_that_is_too_small_to_matter_passes() -> None:
    result = gate(slower(1.03), noise=0.002)

    found = row(result, "p50")
    assert found.p is not None
    assert found.p <= result.alpha
    assert found.verdict is Verdict.PASS


def test_what_the_noise_leaves_open_is_inconclusive_and_says_what_would_have_been_found() -> None:
    result = gate(noise=0.15)

    found = row(result, "p50")
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.smallest is not None
    assert found.smallest > math.log(1.1)
    assert "this run would have found" in found.said


def test_the_effect_that_a_run_says_it_would_have_found_it_finds() -> None:
    smallest = row(gate(noise=0.06), "p50").smallest
    assert smallest is not None

    assert row(gate(slower(math.exp(smallest)), noise=0.06), "p50").verdict is Verdict.REGRESSED


def test_one_bad_route_of_ten_regresses_on_this_route_alone() -> None:
    routes = ("all", *(f"GET /{number}" for number in range(10)))

    result = gate(slower(1.2, "GET /7"), routes=routes)

    assert {route for _, route in of(result, Verdict.REGRESSED)} == {"GET /7"}
    assert result.verdict is Verdict.REGRESSED


def test_each_process_has_its_own_bias_and_a_gate_of_many_does_not_mind() -> None:
    def biased(slot: Slot, number: int) -> Slot:
        sign = 1 if (number * 7 + slot.position * 3) % 4 < 2 else -1
        return slower(1 + 0.05 * sign)(slot, number)

    assert gate(both=biased, pairs=40).verdict is Verdict.PASS


def test_drift_that_meets_both_sides_is_nothing() -> None:
    assert gate(both=lambda slot, number: slower(1 + number / 10)(slot, number)).verdict is Verdict.PASS


def test_quick_failures_are_errors_and_no_improvement() -> None:
    def refusing(one: Observed, number: int) -> Observed:
        return replace(one, errors=500, answers=Quantiles(3.0, 20.0), successes=Quantiles(6.0, 20.0))

    result = gate(in_route(refusing))

    assert ("error-share", "all") in of(result, Verdict.REGRESSED)
    assert of(result, Verdict.IMPROVED) == set()
    assert "no improvement, since head fails 20.00% of requests more" in row(result, "p50-of-all").said


def test_slow_failures_leave_the_successes_and_show_in_all_answers() -> None:
    def timing_out(one: Observed, number: int) -> Observed:
        return replace(one, errors=50, answers=Quantiles(one.answers.p50_ms, 1_000 + number))

    result = gate(in_route(timing_out))

    assert row(result, "p99").verdict is Verdict.PASS
    assert row(result, "p99-of-all").verdict is Verdict.REGRESSED


def test_a_few_errors_in_head_of_every_pair_are_found_though_their_share_is_small() -> None:
    result = gate(errors(1))

    assert row(result, "error-share").verdict is Verdict.PASS  # 0.04 %
    assert row(result, "errors").verdict is Verdict.REGRESSED


@pytest.mark.parametrize("pairs_with", [1, 2, 3])
def test_rare_errors_raise_no_alarm(pairs_with: int) -> None:
    assert gate(only_in(range(pairs_with), errors(3))).verdict is Verdict.PASS


def test_errors_in_head_alone_in_half_the_pairs_are_neither_alarm_nor_pass() -> None:
    assert row(gate(only_in(range(7), errors(1))), "errors").verdict is Verdict.INCONCLUSIVE


def test_errors_of_one_route_are_not_diluted_by_the_others() -> None:
    result = gate(then(errors(25, ROUTE), errors(2, "all")))  # 1 %

    assert row(result, "error-share", ROUTE).verdict is Verdict.REGRESSED


def test_errors_under_a_fault_are_compared_by_their_share() -> None:
    def failing(one: Observed, number: int) -> Observed:
        return replace(one, errors=1_000 + 10 * number)

    faulted = then(in_phase(kind=PhaseKind.FAULTED), in_route(failing))

    result = gate(both=faulted)
    assert row(result, "error-share").verdict is Verdict.PASS
    assert "errors" not in {one.metric for one in result.rows}
    assert row(gate(errors(1_600), both=faulted), "error-share").verdict is Verdict.REGRESSED


def test_constant_counts_are_compared_exactly() -> None:
    more, fewer = gate(counted("statements", 4.0)), gate(counted("statements", 2.0))

    assert row(more, "statements").verdict is Verdict.REGRESSED
    assert "3 a request before and 4 now" in row(more, "statements").said
    assert row(fewer, "statements").verdict is Verdict.IMPROVED


def test_a_count_that_varies_joins_the_test() -> None:
    def varying(factor: float) -> Change:
        return lambda slot, number: counted("connects", factor * (1 + 0.02 * math.sin(number + slot.position)))(
            slot, number
        )

    same = gate(both=varying(1.0))
    assert row(same, "connects").verdict is Verdict.PASS
    assert row(same, "connects").p is not None
    assert row(gate(varying(1.2), both=varying(1.0)), "connects").verdict is Verdict.REGRESSED


def test_a_count_of_next_to_nothing_may_vary_as_it_likes() -> None:
    def rarely(slot: Slot, number: int) -> Slot:
        return counted("connects", 0.001 if (number + slot.position) % 5 == 0 else 0.0)(slot, number)

    assert row(gate(both=rarely), "connects").verdict is Verdict.PASS


def test_a_count_of_next_to_nothing_may_double() -> None:
    def seldom(slot: Slot, number: int) -> Slot:
        return counted("connects", 0.001 * (1 + slot.position) * (1 + 0.01 * number))(slot, number)

    assert row(gate(both=seldom), "connects").verdict is Verdict.PASS


def test_processor_time_regresses_where_latency_hides_it() -> None:
    def burning(slot: Slot, number: int) -> Slot:
        cpu = slot.phases[STEADY].cpu_ms_per_request
        return in_phase(cpu_ms_per_request=(cpu or 0) * 1.3)(slot, number)

    assert of(gate(burning), Verdict.REGRESSED) == {("cpu", "all")}


def test_a_head_that_starves_its_generator_regresses_by_the_lag() -> None:
    starved = in_phase(generator_late=True, generator_lag_ms=60.0)

    assert of(gate(starved), Verdict.REGRESSED) == {("generator-lag", "all")}


def test_a_head_whose_generator_is_late_now_and_then_does_not_pass() -> None:
    result = gate(only_in(range(2), in_phase(generator_late=True, generator_lag_ms=60.0)))

    assert of(result, Verdict.INCONCLUSIVE) == {("generator-lag", "all")}


def test_throughput_is_judged_where_a_phase_saturates_and_latency_is_not() -> None:
    result = gate(in_phase(kind=PhaseKind.SATURATING, throughput_per_s=85.0), both=saturating)

    assert row(result, "throughput").verdict is Verdict.REGRESSED
    assert {"p50", "p99", "error-share", "generator-lag"}.isdisjoint(one.metric for one in result.rows)
    assert row(gate(both=saturating), "throughput").verdict is Verdict.PASS


def test_a_head_that_serves_nothing_is_worse_and_two_that_serve_nothing_are_not_equal() -> None:
    nothing = in_phase(kind=PhaseKind.SATURATING, throughput_per_s=0.0)
    assert row(gate(nothing, both=saturating), "throughput").verdict is Verdict.REGRESSED
    assert not [one for one in gate(both=nothing).rows if one.metric == "throughput"]


@pytest.mark.parametrize(("step", "verdict"), [(5, Verdict.PASS), (3, Verdict.REGRESSED), (8, Verdict.IMPROVED)])
def test_a_pool_that_is_exhausted_two_steps_earlier_regresses(step: int, verdict: Verdict) -> None:
    result = gate(in_phase(kind=PhaseKind.SATURATING, onset_step=step), both=in_phase(onset_step=5))

    assert row(result, "exhaustion-onset").verdict is verdict


def recovering(seconds: float, censored: bool = False) -> Change:
    return lambda slot, number: in_phase(recovery=Recovery(seconds + 0.1 * (number % 3), 0.1, censored))(
        slot, number
    )


def test_recovery() -> None:
    as_before = gate(both=recovering(4.0))
    assert row(as_before, "recovery").verdict is Verdict.PASS
    assert row(gate(recovering(6.5), both=recovering(4.0)), "recovery").verdict is Verdict.REGRESSED


def test_a_head_that_never_recovers_regresses_and_a_base_that_does_not_decides_nothing() -> None:
    never = recovering(10.0, censored=True)

    assert row(gate(never, both=recovering(4.0)), "recovery").verdict is Verdict.REGRESSED
    other = gate(base=never, both=recovering(4.0))
    assert row(other, "recovery").verdict is Verdict.INCONCLUSIVE
    assert "base had not recovered" in row(other, "recovery").said


def test_what_never_left_its_band_has_recovered_within_a_bin() -> None:
    at_once: Change = lambda slot, _: in_phase(recovery=Recovery(0.0, 0.1))(slot, 0)  # noqa: E731

    assert row(gate(both=at_once), "recovery").verdict is Verdict.PASS
    assert row(gate(recovering(4.0), both=at_once), "recovery").verdict is Verdict.REGRESSED


def test_bins_as_long_as_the_recovery_widen_what_matters() -> None:
    coarse: Change = lambda slot, _: in_phase(recovery=Recovery(0.2, 0.1))(slot, 0)  # noqa: E731
    slow: Change = lambda slot, _: in_phase(recovery=Recovery(0.3, 0.1))(slot, 0)  # noqa: E731

    assert row(gate(slow, both=coarse), "recovery").verdict is Verdict.PASS  # one bin


def test_the_fidelity_bound_widens_what_matters_of_a_fast_route() -> None:
    base = measured(slower(1.07), noise=0.002)

    assert row(look(base), "p50").verdict is Verdict.REGRESSED
    doubted = look(replace(base, fidelity_ms=1.0))  # 12 % of 8 ms
    assert row(doubted, "p50").verdict is Verdict.PASS
    assert row(doubted, "p50").floor == pytest.approx(math.log1p(1 / 8), rel=0.05)


def breached(slot: Slot, number: int) -> Slot:
    return replace(slot, breaches=(Breach("money", "12 cents were made"),))


def test_one_breach_in_one_pair_breaks_head() -> None:
    result = gate(only_in(range(3, 4), breached))

    assert result.verdict is Verdict.BROKEN
    assert result.rows[0].said == "pair 3: 12 cents were made"


def test_a_breach_of_base_is_reported_and_decides_nothing() -> None:
    result = gate(base=breached)

    assert result.verdict is Verdict.PASS
    assert {one.side for one in result.breaches} == {"base"}
    assert len(result.breaches) == PAIRS


def test_crashes_of_head_alone_regress_though_pairs_are_missing() -> None:
    result = gate(lambda slot, _: replace(slot, crashed=True, phases={}))

    assert row(result, "crashes").verdict is Verdict.REGRESSED
    assert row(result, "pairs").verdict is Verdict.INVALID
    assert result.verdict is Verdict.REGRESSED


def test_head_without_a_success_regresses_by_its_errors() -> None:
    nothing = in_route(lambda one, _: replace(one, errors=one.requests, successes=Quantiles()))

    result = gate(nothing)

    assert row(result, "error-share").verdict is Verdict.REGRESSED
    assert ("p50", "all") not in {(one.metric, one.route) for one in result.rows}
    assert "sync-pool/baseline/hold/all/p50: fewer than 20 successes of a pair's side" in result.left_out


def test_a_p99_that_errors_of_head_leave_open_in_some_pairs_is_no_pass() -> None:
    found = row(gate(only_in(range(2), errors(2_400))), "p99")

    assert found.verdict is Verdict.INCONCLUSIVE
    assert f"head has no figure of it in 2 of {PAIRS} pairs" in found.said


def test_pairs_in_which_a_route_was_seldom_asked_are_not_counted() -> None:
    seldom = in_route(lambda one, _: replace(one, requests=15), ROUTE)
    never = in_route(lambda one, _: replace(one, requests=0), ROUTE)

    result = gate(only_in(range(2), seldom), base=only_in(range(1, 3), never))

    assert row(result, "p50", ROUTE).verdict is Verdict.PASS
    assert row(result, "p50", ROUTE).pairs == PAIRS - 3
    assert row(result, "statements", ROUTE).pairs == PAIRS - 2
    assert row(result, "p50").pairs == PAIRS


def test_a_p99_of_too_few_requests_is_left_out_and_named() -> None:
    result = gate(both=in_route(lambda one, _: replace(one, requests=150), ROUTE))

    assert ("p99", ROUTE) not in {(one.metric, one.route) for one in result.rows}
    assert result.left_out == (
        f"sync-pool/baseline/hold/{ROUTE}/p99: fewer than 200 successes of a pair's side, or 2,000 in all",
    )


def test_a_route_of_one_side_is_named_and_never_compared() -> None:
    def renamed(slot: Slot, number: int) -> Slot:
        phase: Phase = slot.phases[STEADY]
        return in_phase(routes={"all": phase.routes["all"], "GET /new": observed(500.0)})(slot, number)

    result: GateResult = gate(renamed)

    assert result.verdict is Verdict.PASS
    assert result.appeared == ("sync-pool/baseline/hold/GET /new",)
    assert result.went == (f"sync-pool/baseline/hold/{ROUTE}",)
    assert {one.route for one in result.rows} == {"all"}
