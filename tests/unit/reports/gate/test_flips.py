"""The test and its intervals, held against scipy's permutation test."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import permutation_test

from reports.gate.flips import Flips, FloatArray, Table, null_of_largest


def full(values: FloatArray) -> Table:
    return Table(values, np.ones(values.shape, dtype=np.bool_))


def noise(pairs: int, columns: int = 4, seed: int = 1) -> FloatArray:
    return np.random.default_rng(seed).normal(0.03, 0.06, (pairs, columns))


def tables() -> st.SearchStrategy[FloatArray]:
    values = st.floats(-2, 2, allow_nan=False).map(lambda value: round(value, 3))
    return st.integers(2, 9).flatmap(lambda pairs: arrays(np.float64, (pairs, 3), elements=values))


def test_one_column_has_the_p_of_scipys_own_test_of_its_mean() -> None:
    values = noise(11, 1)

    ours = null_of_largest(full(values), seed=1).adjusted_p(full(values).statistics)[0]

    theirs = permutation_test(
        (values[:, 0],), np.mean, permutation_type="samples", alternative="greater", n_resamples=2**12
    )
    assert ours == pytest.approx(theirs.pvalue)


@given(tables())
@settings(max_examples=25, deadline=None)
def test_scipys_flips_and_ours_give_the_same_null(values: FloatArray) -> None:
    table = full(values)

    theirs, ours = null_of_largest(table, seed=1), Flips.of(len(values), seed=1).null_of_largest(table)

    assert ours.exact
    assert theirs.exact
    np.testing.assert_allclose(np.sort(theirs.largest), np.sort(ours.largest), atol=1e-12)


@given(tables())
@settings(max_examples=25, deadline=None)
def test_no_column_is_out_of_bounds_and_the_other_sign_turns_everything_round(values: FloatArray) -> None:
    table, mirror = full(values), full(-values)
    flips = Flips.of(len(values), seed=1)
    null = flips.null_of_largest(table)

    assert np.isfinite(table.statistics).all()
    assert (np.abs(table.statistics) <= 1 + 1e-9).all()
    p = null.adjusted_p(table.statistics)
    assert ((p >= 1 / null.largest.size) & (p <= 1)).all()
    mirrored = flips.null_of_largest(mirror).adjusted_p(-mirror.statistics)
    np.testing.assert_allclose(p, mirrored)
    (low, high), (turned_low, turned_high) = flips.intervals(table, 0.1), flips.intervals(mirror, 0.1)
    np.testing.assert_allclose(low, -turned_high, atol=1e-9)
    np.testing.assert_allclose(high, -turned_low, atol=1e-9)


def test_a_column_of_zeros_has_the_statistic_zero_and_does_not_disturb_the_others() -> None:
    values = np.column_stack([np.zeros(12), noise(12, 1)[:, 0]])
    flips = Flips.of(12, seed=1)

    both, alone = flips.null_of_largest(full(values)), flips.null_of_largest(full(values[:, 1:]))

    assert full(values).statistics[0] == 0
    assert both.adjusted_p(full(values).statistics)[1] == alone.adjusted_p(full(values[:, 1:]).statistics)[0]
    assert [end[0] for end in flips.intervals(full(values), 0.01)] == [0, 0]


def test_equal_values_in_every_pair_are_as_rare_as_can_be() -> None:
    values = np.full((12, 1), 0.1)

    null = null_of_largest(full(values), seed=1)

    assert null.adjusted_p(full(values).statistics)[0] == 2**-12


def test_a_family_makes_each_p_larger_and_never_smaller() -> None:
    values = noise(12, 8)
    flips = Flips.of(12, seed=1)

    family = flips.null_of_largest(full(values)).adjusted_p(full(values).statistics)

    alone = [
        flips.null_of_largest(full(values[:, [at]])).adjusted_p(full(values[:, [at]]).statistics)[0]
        for at in range(8)
    ]
    assert (family >= np.array(alone)).all()
    assert (family > np.array(alone)).any()


@pytest.mark.parametrize("pairs", [10, 13])
@pytest.mark.parametrize("level", [0.01, 0.07])
def test_the_ends_of_an_interval_are_where_scipys_test_begins_to_reject(pairs: int, level: float) -> None:
    values = noise(pairs, 1)
    low, high = (float(end[0]) for end in Flips.of(pairs, seed=1).intervals(full(values), level))

    def p(effect: float) -> float:
        """That the mean is greater than `effect`."""
        shifted = (values[:, 0] - effect,)
        return float(
            permutation_test(
                shifted, np.mean, permutation_type="samples", alternative="greater", n_resamples=2**pairs,
                vectorized=True,
            ).pvalue
        )  # fmt: skip

    def p_less(effect: float) -> float:
        shifted = (effect - values[:, 0],)
        return float(
            permutation_test(
                shifted, np.mean, permutation_type="samples", alternative="greater", n_resamples=2**pairs,
                vectorized=True,
            ).pvalue
        )  # fmt: skip

    assert p(low - 1e-6) <= level < p(low + 1e-6)
    assert p_less(high + 1e-6) <= level < p_less(high - 1e-6)


def test_too_few_pairs_bound_nothing() -> None:
    values = noise(6, 1)

    low, high = Flips.of(6, seed=1).intervals(full(values), 0.01)  # 2^-6 is 1.6 %

    assert (low[0], high[0]) == (-math.inf, math.inf)


def test_a_pair_that_lacks_a_value_counts_for_nothing() -> None:
    values = noise(13, 1)
    values[5] = 0
    present = np.ones((13, 1), dtype=np.bool_)
    present[5] = False
    with_gap, without = Table(values, present), full(np.delete(values, 5, axis=0))
    flips, fewer = Flips.of(13, seed=1), Flips.of(12, seed=1)

    assert with_gap.statistics == pytest.approx(math.sqrt(12 / 13) * without.statistics)
    assert flips.null_of_largest(with_gap).adjusted_p(with_gap.statistics) == pytest.approx(
        fewer.null_of_largest(without).adjusted_p(without.statistics)
    )
    for ours, theirs in zip(flips.intervals(with_gap, 0.01), fewer.intervals(without, 0.01), strict=True):
        assert ours == pytest.approx(theirs)


@pytest.mark.parametrize("seen", [1, 2, 5])
def test_a_column_of_few_values_hides_no_other(seen: int) -> None:
    """By its own mean it would be as far out as it can be in one of 2^seen flips, and every p at least that."""
    loss = 0.4 + 0.02 * noise(13, 1)
    few = np.zeros((13, 1))
    few[:seen] = 0.1
    table = Table(np.hstack([loss, few]), np.hstack([np.ones((13, 1), dtype=np.bool_), few > 0]))

    p = Flips.of(13, seed=1).null_of_largest(table).adjusted_p(table.statistics)

    assert p[0] == pytest.approx(2**-13)
    assert p[1] >= 2**-seen


def test_drawn_flips_come_from_the_seed_and_agree_with_those_that_are_enumerated() -> None:
    table = full(noise(14))
    exact = Flips.of(14, seed=1)
    drawn = Flips.of(14, seed=1, resamples=2**13)

    assert not drawn.exact
    assert (drawn.flipped == Flips.of(14, seed=1, resamples=2**13).flipped).all()
    p, about = (flips.null_of_largest(table).adjusted_p(table.statistics) for flips in (exact, drawn))
    np.testing.assert_allclose(p, about, atol=4 * math.sqrt(0.25 / 2**13))
    scipys = null_of_largest(table, seed=1, resamples=2**13)
    assert not scipys.exact
    assert (scipys.largest == null_of_largest(table, seed=1, resamples=2**13).largest).all()


def test_what_was_seen_counts_as_one_of_the_drawn() -> None:
    values = np.full((20, 1), 0.1)
    flips = Flips.of(20, seed=1, resamples=1_000)

    p = flips.null_of_largest(full(values)).adjusted_p(full(values).statistics)[0]

    assert p == pytest.approx(1 / 1_001)
