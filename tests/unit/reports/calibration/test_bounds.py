"""Bounds are those that GATING's figures come from."""

from __future__ import annotations

import pytest

from reports.calibration.bounds import at_least, at_most, between


@pytest.mark.parametrize(("alarms", "gates"), [(0, 299), (1, 473), (2, 628)])
def test_so_many_gates_show_less_than_one_alarm_in_a_hundred_and_one_fewer_does_not(
    alarms: int, gates: int
) -> None:
    assert at_most(alarms, gates) < 0.01 <= at_most(alarms, gates - 1)


@pytest.mark.parametrize(("found", "gates"), [(59, 59), (122, 124), (203, 208)])
def test_so_many_finds_show_a_power_of_more_than_95_of_a_hundred(found: int, gates: int) -> None:
    assert at_least(found - 1, gates) < 0.95 < at_least(found, gates)


def test_a_bound_of_two_sides_holds_the_rate_and_is_wider() -> None:
    low, high = between(5, 60)
    assert low < at_least(5, 60) < 5 / 60 < at_most(5, 60) < high
    assert (0.0, 1.0) == (between(0, 4)[0], between(4, 4)[1])
