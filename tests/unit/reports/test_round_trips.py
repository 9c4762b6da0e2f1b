"""Round trips from the slope of p50 over injected latency."""

from __future__ import annotations

import random

import pytest

from reports.analysis.round_trips import estimate_round_trips

LADDER_MS = (0, 4, 8, 16, 24)


def test_points_on_a_line_give_its_slope_and_no_doubt() -> None:
    # A request that waits three times, and takes 2 ms besides.
    found = estimate_round_trips([(latency_ms, 2.0 + 3 * latency_ms) for latency_ms in LADDER_MS])
    assert (found.slope, found.low, found.high, found.intercept_ms) == pytest.approx((3, 3, 3, 2))


def test_one_spoilt_rung_does_not_move_the_slope() -> None:
    # Ten pairs, four of them with the spoilt rung: two slopes too high, two too low, and six right.
    points = [(latency_ms, 2.0 + 3 * latency_ms + (50 if latency_ms == 8 else 0)) for latency_ms in LADDER_MS]
    found = estimate_round_trips(points)
    assert pytest.approx(3) == found.slope
    assert found.low < 3 < found.high


def test_few_points_leave_the_whole_range_of_slopes_open() -> None:
    # Three points: pairwise slopes 2 (0 to 1), 3 (0 to 2) and 4 (1 to 2).
    found = estimate_round_trips([(0, 0), (1, 2), (2, 6)])
    assert (found.slope, found.low, found.high) == (3, 2, 4)


def test_repetitions_narrow_the_interval() -> None:
    rng = random.Random(5)

    def points(repetitions: int) -> list[tuple[float, float]]:
        return [(ms, 1 + 3 * ms + rng.gauss(0, 1)) for _ in range(repetitions) for ms in LADDER_MS]

    few, many = estimate_round_trips(points(2)), estimate_round_trips(points(20))
    assert many.high - many.low < few.high - few.low


def test_the_interval_holds_the_truth_about_as_often_as_it_promises() -> None:
    rng = random.Random(11)
    held = 0
    for _ in range(400):
        points = [(ms, 2 + 3 * ms + rng.gauss(0, 2)) for _ in range(3) for ms in LADDER_MS]
        found = estimate_round_trips(points)
        held += found.low <= 3 <= found.high
    # 95 % of 400 are 380, with a standard deviation of 4.4.
    assert held >= 365


@pytest.mark.parametrize("points", [[], [(5.0, 20.0)], [(5.0, 20.0), (5.0, 21.0)]])
def test_a_single_latency_has_no_slope(points: list[tuple[float, float]]) -> None:
    with pytest.raises(ValueError, match="two different latencies"):
        estimate_round_trips(points)
