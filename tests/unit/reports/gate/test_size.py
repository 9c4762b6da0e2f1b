"""How many pairs are needed."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import PlanError
from reports.gate.size import fewest_pairs, pairs_needed


@pytest.mark.parametrize(
    ("sigma", "metrics", "pairs"),
    [
        # z(1 - 0.002/20) = 3.719, z(0.95) = 1.645, ln 1.1 = 0.09531, and 3.719^2 / 2 = 6.92
        (0.04, 20, 12),  # (5.364 * 0.04 / 0.09531)^2 = 5.07
        (0.06, 20, 19),  # 11.40
        (0.10, 20, 39),  # 31.67
        (0.06, 1, 13),  # z = 2.878: (4.523 * 0.06 / 0.09531)^2 + 4.14 = 8.11 + 4.14
    ],
)
def test_the_formula(sigma: float, metrics: int, pairs: int) -> None:
    assert pairs_needed(sigma, metrics) == pairs


def test_never_fewer_than_can_fail() -> None:
    assert fewest_pairs() == 9  # 2^-9 is 0.00195
    assert pairs_needed(0.0, 1) == 9
    assert 2.0 ** -fewest_pairs(0.0006) <= 0.0006 < 2.0 ** -(fewest_pairs(0.0006) - 1)


@given(st.floats(0, 0.5), st.integers(1, 500), st.floats(0.5, 0.99))
def test_more_noise_metrics_or_power_never_need_fewer_pairs(sigma: float, metrics: int, power: float) -> None:
    pairs = pairs_needed(sigma, metrics, power=power)

    assert pairs <= pairs_needed(sigma + 0.01, metrics, power=power)
    assert pairs <= pairs_needed(sigma, metrics + 1, power=power)
    assert pairs <= pairs_needed(sigma, metrics, power=power + 0.005)


@pytest.mark.parametrize("sigma", [-0.1, math.nan, math.inf])
def test_what_is_no_deviation_is_refused(sigma: float) -> None:
    with pytest.raises(PlanError):
        pairs_needed(sigma, 10)
