"""Which effect a gate can find, and where it refuses to promise."""

from __future__ import annotations

import math

import pytest

from harness.records import CalibrationKind, Machine
from reports.calibration.standing import stands_on
from reports.gate.looks import Look
from reports.gate.promise import promise_lines, promises
from reports.gate.size import EFFECT, effect_found, pairs_needed
from reports.gate.standing import standing_lines
from tests.unit.reports.calibration.made import HERE, calibration, noise, outcome, plan


@pytest.mark.parametrize(("sigma", "metrics"), [(0.04, 26), (0.06, 26), (0.1, 26), (0.06, 1), (0.2, 200)])
def test_the_effect_found_is_the_formula_of_the_pairs_turned_round(sigma: float, metrics: int) -> None:
    pairs = pairs_needed(sigma, metrics)
    found, of_fewer = effect_found(sigma, metrics, pairs), effect_found(sigma, metrics, pairs - 1)
    assert found is not None
    assert found <= EFFECT
    assert of_fewer is None or of_fewer > EFFECT


def test_too_few_pairs_find_nothing() -> None:
    assert effect_found(0.01, 26, 8) is None
    (promise,) = promises((8, 8), (noise("p50", 0.01),), 26)
    assert not promise.is_kept


def test_a_small_effect_must_still_reach_the_floor() -> None:
    (promise,) = promises((200, 200), (noise("p50", 0.01),), 26)
    assert promise.finds == pytest.approx(0.0488 + 1.645 * 0.01 / math.sqrt(200), rel=1e-3)


def test_of_a_metric_the_noisiest_place_counts() -> None:
    (promise,) = promises((20, 20), (noise("p50", 0.03), noise("p50", 0.05, route="a"), noise("p50", 0.02)), 26)
    assert 0.05 == promise.sigma


def test_two_looks_find_less_than_one_of_as_many_pairs() -> None:
    one, two = (promises(pairs, (noise("p50", 0.06),), 26)[0].finds for pairs in ((20, 20), (12, 20)))
    assert one is not None
    assert two is not None
    assert two > one
    assert two == pytest.approx(effect_found(0.06, 26, 20, alpha=Look.FINAL.alpha))


def test_a_gate_that_would_miss_its_limit_promises_nothing_of_it_and_says_how_many_pairs_would_do() -> None:
    made = calibration(outcome(1), noise=(noise("p50", 0.3), noise("cpu", 0.02)), family=26)
    kept, refused = promise_lines((12, 20), [stands_on(made, HERE, "given")])
    assert kept.startswith("finds in 95 of 100 gates, by 20 pairs")
    assert "of cpu" in kept
    assert "of p50" not in kept
    assert "promises nothing" in refused
    assert "p50 (may miss less than 60 %, and 10 % is its limit; 3" in refused
    wanted = pairs_needed(0.3, 26, alpha=Look.FINAL.alpha, effect=0.0953)
    assert f"{wanted} pairs would do" in refused


def test_without_a_calibration_the_first_readings_are_named_as_what_they_are() -> None:
    first, told = standing_lines((12, 20), (), "")
    assert first.startswith("not calibrated: how often this gate errs has not been measured")
    assert "noise of first readings on another machine" in told
    assert "of p50" in told
    assert "of p99" in told


def test_the_noise_on_a_slow_link_is_not_that_of_a_gate() -> None:
    made = calibration(outcome(1, proved=True), of=plan(CalibrationKind.POWER, 1), noise=(noise("p50", 0.001),))
    (line,) = promise_lines((12, 20), [stands_on(made, HERE, "given")])
    assert "first readings" in line


def test_the_header_tells_rates_with_bounds_and_of_an_unfinished_one_none() -> None:
    done = calibration(*(outcome(number) for number in range(1, 60)), outcome(60, "regressed"))
    (line, *_) = standing_lines((12, 20), [stands_on(done, HERE, "given")], "")
    assert line == "calibration aa-1: false alarms: 1 of 60 gates, at most 7.7 %, 0 open"
    under_way = calibration(outcome(1, "regressed"), of=plan(gates=60))
    (line, *_) = standing_lines((12, 20), [stands_on(under_way, HERE, "beside the plan")], "")
    assert line == "calibration aa-1 (beside the plan): unfinished, 1 of 60 gates, so no bound is known"
    elsewhere = Machine(platform="Linux x86_64", cpu_model="Another", cpu_count=8)
    (line, *_) = standing_lines((12, 20), [stands_on(done, elsewhere, "shipped")], "")
    assert "(shipped)" in line
    assert "on another machine (A processor, 2 cores)" in line
