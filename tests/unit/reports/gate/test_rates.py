"""How often the gate is wrong, on made-up gates: noise, drift, bursts, rare errors and a bias of each process."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.gate.simulate import METRICS, PLANTED
from benchmarks.gate.trials import Tally, bounds, run
from benchmarks.gate.world import World, gate, sigma_of
from reports.gate.size import pairs_needed

NOISES = (0.03, 0.06, 0.12)
BUDGET = 16


def null(noise: float, gates: int) -> Tally:
    return run(World(noise), BUDGET, gates, seed=11)


def planted(gates: int, route: str | None) -> Tally:
    world = World(0.03, shift=PLANTED, shifted_route=route)
    return run(world, pairs_needed(sigma_of(world), METRICS, power=0.99), gates, seed=12)


def test_gates_without_a_difference_raise_hardly_an_alarm() -> None:
    assert null(0.06, 100).regressed <= 1


def test_ten_per_cent_are_found() -> None:
    assert planted(30, None).regressed == 30


def test_a_gate_that_is_given_the_pairs_it_needs_decides() -> None:
    world = World(0.03)
    tally = run(world, pairs_needed(sigma_of(world), METRICS), 30, seed=13)

    assert (tally.regressed, tally.undecided) == (0, 0)


def test_two_looks_take_fewer_pairs_and_find_as_much() -> None:
    world = World(0.03, shift=PLANTED)
    pairs = pairs_needed(sigma_of(world), METRICS, power=0.99)

    tally = run(world, pairs, 25, seed=14, first=round(0.6 * pairs))

    assert tally.regressed == 25
    assert tally.pairs < pairs


def test_the_deviation_that_the_formula_is_given_is_that_of_pairs() -> None:
    quiet = replace(World(0.03), drift=0.0, burst_share=0.0)

    assert sigma_of(quiet) == pytest.approx((2 * (0.03**2 + 0.05**2)) ** 0.5, rel=0.02)
    assert sigma_of(World(0.03)) > sigma_of(quiet)


def test_bounds_are_those_of_clopper_and_pearson() -> None:
    low, high = bounds(0, 1_000)

    assert low == 0
    assert high == pytest.approx(1 - 0.025 ** (1 / 1_000))


def test_a_made_up_gate_has_the_metrics_that_the_formula_is_asked_for() -> None:
    import numpy as np

    assert len(gate(World(0.03), 12, np.random.default_rng(1))) == METRICS


@pytest.mark.slow
@pytest.mark.parametrize("noise", NOISES)
def test_at_most_five_of_a_thousand_gates_without_a_difference_raise_an_alarm(noise: float) -> None:
    assert null(noise, 1_000).regressed <= 5


@pytest.mark.slow
def test_ten_per_cent_are_found_in_99_of_100_gates() -> None:
    assert planted(1_000, None).regressed >= 990
