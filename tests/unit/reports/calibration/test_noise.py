"""sigma_D is what was put into the columns, whatever their means."""

from __future__ import annotations

import numpy as np
import pytest

from reports.calibration.noise import FEWEST_GATES, noise_of
from reports.gate.columns import Column, Scale, Series
from reports.gate.model import Place


def column(values: list[float] | np.ndarray, present: list[bool] | None = None, metric: str = "p50") -> Column:
    seen = np.asarray(values, dtype=np.float64)
    there = np.ones(seen.size, dtype=np.bool_) if present is None else np.asarray(present)
    return Column(Series(metric, Place("sync-pool")), seen, there, 0.05, 0.1, Scale.LOG_RATIO)


def gates(count: int, sigma: float, shift: float = 0.0, pairs: int = 16) -> list[list[Column]]:
    rng = np.random.default_rng(4)
    return [[column(rng.normal(shift * number, sigma, pairs))] for number in range(count)]


def test_it_is_found_as_it_was_put_in_and_lies_within_its_bounds() -> None:
    (found,) = noise_of(gates(60, 0.06))
    assert found.low is not None
    assert found.high is not None
    assert found.low < 0.06 < found.high
    assert found.high - found.low < 0.02
    assert (960, 60) == (found.pairs, found.gates)


def test_what_gates_differ_by_is_no_noise_of_pairs() -> None:
    (shifted,), (still,) = noise_of(gates(20, 0.06, shift=0.1)), noise_of(gates(20, 0.06))
    assert shifted.sigma == pytest.approx(still.sigma)
    assert shifted.mean > still.mean + 0.9


def test_by_hand() -> None:
    """Squares about the means: 2 of the first, 8 of the second, with 1 and 1 degrees of freedom."""
    (found,) = noise_of([[column([1.0, 3.0])], [column([0.0, 4.0, 9.0], [True, True, False])]])
    assert found.sigma == pytest.approx((10 / 2) ** 0.5)
    assert (found.pairs, found.mean) == (4, 2.0)


def test_of_few_gates_no_bounds_are_told() -> None:
    (few,), (enough,) = noise_of(gates(FEWEST_GATES - 1, 0.06)), noise_of(gates(FEWEST_GATES, 0.06))
    assert few.low is None
    assert enough.low is not None


def test_a_single_pair_tells_nothing() -> None:
    assert () == noise_of([[column([0.3])], [column([0.2, 0.1], [True, False])]])
