"""How clocks advise: an interval in which one more job was to be expected."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import t

from reports.baseline.advice import interval


def test_it_is_students_prediction_interval_of_the_logarithms() -> None:
    values = [8.0, 8.8, 9.1, 8.4]
    logs = np.log(values)
    half = t.ppf(0.995, 3) * np.std(logs, ddof=1) * math.sqrt(1 + 1 / 4)
    low, high = interval(values)
    assert (low, high) == pytest.approx((math.exp(logs.mean() - half), math.exp(logs.mean() + half)))


def test_a_further_job_lies_in_it_as_often_as_it_says() -> None:
    rng = np.random.default_rng(7)
    inside = 0
    for _ in range(2000):
        values = np.exp(rng.normal(2, 0.1, 6))
        low, high = interval(list(values[:5]))
        assert low is not None
        assert high is not None
        inside += low <= values[5] <= high
    assert 0.98 < inside / 2000 < 0.998


def test_too_few_jobs_have_none_and_zeros_need_no_logarithm() -> None:
    assert (None, None) == interval([8.0, 9.0])
    assert (0.0, 0.0) == interval([0.0, 0.0, 0.0])
    low, high = interval([0.0, 1.0, 2.0])
    assert low is not None
    assert high is not None
    assert low < 0 < high


def test_values_that_differ_wildly_leave_everything_open() -> None:
    low, high = interval([1e-300, 1e300, 1.0])
    assert low is not None
    assert high is not None
    assert 0 <= low < 1e-300
    assert 1e300 < high < math.inf
