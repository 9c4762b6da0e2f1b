"""Percentiles and medians over rounds."""

from __future__ import annotations

import random

import pytest

from benchmarks.fidelity.statistics import Estimate, median, median_estimate, percentile, share_above


def test_a_percentile_is_a_value_that_occurred() -> None:
    values = [float(value) for value in range(1, 201)]
    # Rank ceil(0.99 * 200) = 198.
    assert (198.0, 100.0, 1.0, 200.0) == tuple(percentile(values, p) for p in (99, 50, 0, 100))


def test_the_order_of_values_does_not_matter() -> None:
    assert percentile([3.0, 1.0, 2.0], 50) == 2.0


def test_a_share_counts_what_lies_above_and_not_on_the_limit() -> None:
    assert share_above([50.0, 100.0, 150.0, 200.0], 100.0) == 0.5


def test_the_median_of_an_even_number_lies_between_the_middles() -> None:
    assert median([4.0, 1.0, 3.0, 2.0]) == 2.5


@pytest.mark.parametrize(
    ("count", "low", "high"),
    [
        (1, 1, 1),
        (3, 1, 3),  # the range of three holds the median in 75 % of cases, and nothing wider is to be had
        (5, 1, 5),  # 1 - 2/32 = 94 %
        (7, 1, 7),  # leaving one out at either end: 1 - 2 * 8/128 = 87.5 %, too little
        (8, 2, 7),  # 1 - 2 * 9/256 = 93 %
        (15, 4, 12),  # leaving out three: 1 - 2 * 576/32768 = 96 %; four: 1 - 2 * 1941/32768 = 88 %
    ],
)
def test_the_interval_leaves_out_as_many_as_the_confidence_allows(count: int, low: int, high: int) -> None:
    found = median_estimate([float(value) for value in range(1, count + 1)])
    assert (low, high, count) == (found.low, found.high, found.of)


def test_the_interval_holds_the_true_median_as_often_as_promised() -> None:
    rng = random.Random(3)
    estimates = [median_estimate([rng.gauss(10, 1) for _ in range(9)]) for _ in range(500)]
    # At least 90 % of 500 are 450, with a standard deviation of 6.7.
    assert sum(found.low <= 10 <= found.high for found in estimates) >= 430


def test_a_counted_value_is_its_own_interval() -> None:
    assert Estimate(2.0, 2.0, 2.0) == Estimate.exact(2.0)


@pytest.mark.parametrize("ask", [lambda: percentile([], 50), lambda: median([]), lambda: share_above([], 1)])
def test_nothing_has_no_figures(ask: object) -> None:
    assert callable(ask)
    with pytest.raises(ValueError, match="no values"):
        ask()
