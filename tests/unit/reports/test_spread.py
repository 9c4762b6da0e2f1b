"""Intervals over repetitions, and the noise floor that ratios are held against."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from reports.analyse import analyse
from reports.analysis.noise import floor_of, largest_floors
from reports.analysis.ratios import ratio_of
from reports.analysis.spread import spread_of, spread_of_logs, student_t_975, within
from reports.read import read_run
from reports.summary import NoiseFloor, PhaseResult, Spread, Summary
from scenarios.model import Scenario
from tests.unit.reports.builder import Request, TrialBuilder, one_phase, target_info, write_run


@pytest.mark.parametrize(
    ("freedom", "t"), [(1, 12.706), (2, 4.303), (10, 2.228), (11, 2.201), (30, 2.042), (120, 1.980)]
)
def test_student_t_is_that_of_the_tables(freedom: int, t: float) -> None:
    assert student_t_975(freedom) == pytest.approx(t, abs=0.001)


def test_three_values_have_a_t_interval_of_their_mean() -> None:
    # Mean 2, standard deviation 1, t of 2 degrees 4.303: half width 4.303 / sqrt(3) = 2.4843
    found = spread_of([1, 2, 3])

    assert found is not None
    assert (found.low, found.high, found.repetitions) == pytest.approx((2 - 2.4843, 2 + 2.4843, 3), abs=1e-3)


def test_interval_of_latencies_is_taken_on_logarithms() -> None:
    # ln 1, ln e, ln e^2 are 0, 1, 2: mean 1, deviation 1, so exp(1 - 2.4843) to exp(1 + 2.4843)
    found = spread_of_logs([1, math.e, math.e**2])

    assert found is not None
    assert (found.low, found.high) == pytest.approx((math.exp(-1.4843), math.exp(3.4843)), rel=1e-3)


def test_two_values_have_their_range_and_one_has_nothing() -> None:
    logs = spread_of_logs([4, 2])
    assert logs is not None
    assert (logs.low, logs.high, logs.repetitions) == pytest.approx((2, 4, 2))
    assert spread_of([4, 2]) == Spread(low=2, high=4, repetitions=2)
    assert (spread_of([4]), spread_of_logs([4]), spread_of([]), spread_of([None, 4, None])) == (None,) * 4


def test_zero_has_no_logarithm() -> None:
    assert spread_of_logs([0, 2]) == Spread(low=0, high=2, repetitions=2)


def test_interval_does_not_reach_what_cannot_be() -> None:
    assert within(Spread(low=-1, high=2, repetitions=3), 0, 1) == Spread(low=0, high=1, repetitions=3)


def test_floor_is_the_largest_departure_from_one() -> None:
    assert floor_of([]) is None
    assert floor_of([0.8]) == pytest.approx(1.25)
    assert floor_of([0.8, 1.5]) == pytest.approx(1.5)
    # ln ratios -0.1, 0, 0.1: half width 4.303 * 0.1 / sqrt(3) = 0.24843
    assert floor_of([math.exp(-0.1), 1, math.exp(0.1)]) == pytest.approx(math.exp(0.24843), rel=1e-3)


def test_of_several_floors_the_largest_counts() -> None:
    def floor(target: str, p50: float | None, p99: float | None) -> NoiseFloor:
        return NoiseFloor(phase="p", operation="all", target=target, repeats="a", p50=p50, p99=p99, repetitions=1)

    assert largest_floors([floor("b", 1.1, None), floor("c", 1.3, 1.2)]) == {("p", "all"): (1.3, 1.2)}


SCENARIO = Scenario(name="plain", title="Plain", question="?", phases=(one_phase(duration_s=4),))


def summary_of(path: Path, latencies_ms: dict[str, list[float]], twins: dict[str, str]) -> Summary:
    """For each target one latency a repetition, of 200 requests."""
    built = []
    for name, of in latencies_ms.items():
        for repetition, latency_ms in enumerate(of, start=1):
            trial = TrialBuilder(SCENARIO, target_info(name, repeats=twins.get(name)), repetition)
            trial.mark_phases()
            trial.requests += [Request("steady", 1, latency_ms)] * 200
            built.append(trial)
    return analyse(read_run(write_run(path / "run", built)))


def whole(summary: Summary, target: str) -> PhaseResult:
    (found,) = (one for one in summary.scenarios[0].targets if one.target == target)
    return next(phase for phase in found.phases if phase.operation == "all")


def test_ratios_are_held_against_the_floor_of_the_repeated_target(tmp_path: Path) -> None:
    """The same target again is 20 % slower; another is 10 % slower and a third 50 %."""
    summary = summary_of(tmp_path, {"a": [10], "a-again": [12], "near": [11], "far": [15]}, {"a-again": "a"})

    near, far = whole(summary, "near").p50_ratio, whole(summary, "far").p50_ratio
    assert near is not None
    assert far is not None
    assert near.noise == pytest.approx(1.2, rel=2e-3)
    assert near.beyond_noise is False
    assert (far.noise, far.beyond_noise) == (near.noise, True)
    floor = next(floor for floor in summary.scenarios[0].noise if floor.operation == "all")
    assert (floor.target, floor.repeats, floor.repetitions) == ("a-again", "a", 1)
    assert floor.p50 == near.noise
    assert summary.scenarios[0].targets[1].repeats == "a"


def test_faster_than_the_floor_is_a_difference_too(tmp_path: Path) -> None:
    summary = summary_of(tmp_path, {"a": [10], "a-again": [12], "fast": [8]}, {"a-again": "a"})

    ratio = whole(summary, "fast").p50_ratio
    assert ratio is not None
    assert ratio.beyond_noise is True  # 0.8 is below 1 / 1.2 = 0.833


@pytest.mark.parametrize(
    ("ratios", "beyond"),
    [
        ([0.8, 0.9], True),
        ([0.81, 1.01], False),  # 0.91 is beyond the floor, but the repetitions disagree on who is faster
        ([1.2, 1.25, 1.3], True),
        ([1.0, 1.2, 1.6], False),  # Student's interval of three reaches from 0.7 to 2.2
        ([1.3], True),  # one repetition has no interval
        ([1.01, 1.02], False),  # all within the floor
    ],
)
def test_a_ratio_whose_interval_reaches_across_one_is_no_difference(ratios: list[float], beyond: bool) -> None:
    ratio = ratio_of(ratios, noise=1.05)
    assert ratio is not None
    assert ratio.beyond_noise is beyond


def test_without_a_repeated_target_there_is_no_floor(tmp_path: Path) -> None:
    summary = summary_of(tmp_path, {"a": [10], "b": [11]}, {})

    ratio = whole(summary, "b").p50_ratio
    assert ratio is not None
    assert (ratio.noise, ratio.beyond_noise, summary.scenarios[0].noise) == (None, None, ())


def test_headline_figures_have_intervals_over_repetitions(tmp_path: Path) -> None:
    summary = summary_of(tmp_path, {"a": [10, 20], "b": [20, 20], "c": [30]}, {})

    intervals = whole(summary, "a").intervals
    for found in (intervals.p50_ms, intervals.p90_ms, intervals.p99_ms, intervals.mean_ms):
        assert found is not None
        assert (found.low, found.high) == pytest.approx((10, 20), rel=2e-3)
    assert intervals.completed_per_s is not None
    assert (intervals.completed_per_s.low, intervals.completed_per_s.high) == pytest.approx((50, 50))
    assert intervals.success_share == Spread(low=1, high=1, repetitions=2)
    ratio = whole(summary, "b").p50_ratio
    assert ratio is not None
    assert ratio.interval is not None
    assert (ratio.interval.low, ratio.interval.high) == pytest.approx((1, 2), rel=2e-3)
    assert whole(summary, "c").intervals.p50_ms is None


def test_repetition_with_too_few_requests_has_no_p99_to_spread(tmp_path: Path) -> None:
    built = []
    for repetition, count in ((1, 200), (2, 99)):
        trial = TrialBuilder(SCENARIO, target_info("a"), repetition)
        trial.mark_phases()
        trial.requests += [Request("steady", 1, 10)] * count
        built.append(trial)

    intervals = whole(analyse(read_run(write_run(tmp_path / "run", built))), "a").intervals

    assert (intervals.p99_ms is None, intervals.p50_ms is None) == (True, False)
