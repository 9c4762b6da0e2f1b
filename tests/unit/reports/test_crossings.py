"""Where along a ladder a claimed range holds."""

from __future__ import annotations

import math
import random
from bisect import bisect_left
from itertools import pairwise

import pytest

from reports.analysis.crossings import ClaimAlongLadder, Claimed, Crossing, Rung, Standing, along_ladder

HOLDS, FAILS, UNDECIDED = Standing.HOLDS, Standing.FAILS, Standing.UNDECIDED
LADDERS = 100


def exact(x: float, value: float) -> Rung:
    return Rung(x, value, value, value)


def ladder(rng: random.Random) -> tuple[list[Rung], Claimed]:
    """Any ladder, its rungs in any order, and any claim, now and then one with an open end."""
    rungs = []
    for x in rng.sample(range(100), rng.randint(0, 12)):
        low, value, high = sorted(rng.choice((rng.uniform(0, 10), float(rng.randint(0, 10)))) for _ in range(3))
        rungs.append(Rung(x, value, low, high))
    low, high = sorted((float(rng.randint(0, 10)), float(rng.randint(0, 10))))
    return rungs, Claimed(rng.choice((low, low, -math.inf)), rng.choice((high, high, math.inf)))


def found(seed: int) -> tuple[list[Rung], Claimed, ClaimAlongLadder]:
    rungs, claimed = ladder(random.Random(seed))
    return rungs, claimed, along_ladder(rungs, claimed)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (1.0, 5.0, HOLDS),  # the ends belong to what was claimed
        (2.0, 3.0, HOLDS),
        (0.5, 0.9, FAILS),
        (5.1, 9.0, FAILS),
        (0.9, 1.0, UNDECIDED),
        (4.0, 6.0, UNDECIDED),
        (0.0, 9.0, UNDECIDED),  # the claim lies within the interval
    ],
)
def test_a_claim_holds_where_the_whole_interval_is_in_it_and_fails_where_none_is(
    low: float, high: float, expected: Standing
) -> None:
    assert expected is Claimed(1, 5).standing(Rung(0, low, low, high))


def test_a_claim_that_holds_on_a_stretch_turns_twice() -> None:
    # Acquiring is one round trip and 0.3 ms: within 1 to 5 ms at 1 and 2 ms of latency, not at 0, not from 5 on.
    rungs = [exact(x, x + 0.3) for x in (0, 1, 2, 5, 10)]
    seen = along_ladder(rungs, Claimed(1, 5))

    assert (FAILS, HOLDS, HOLDS, FAILS, FAILS) == seen.standings
    assert (Crossing(0, 1, "above"), Crossing(2, 5, "below")) == seen.crossings
    assert (1, 2) == seen.places(HOLDS)


def test_what_is_undecided_widens_the_interval_in_which_a_claim_turns() -> None:
    rungs = [exact(0, 0.2), Rung(1, 1.0, 0.8, 1.2), exact(2, 2.2)]
    assert (Crossing(0, 2, "above"),) == along_ladder(rungs, Claimed(1, 5)).crossings


def test_what_is_undecided_between_two_alike_is_no_turn() -> None:
    rungs = [exact(0, 2), Rung(1, 5.0, 4.0, 6.0), exact(2, 3)]
    assert () == along_ladder(rungs, Claimed(1, 5)).crossings


@pytest.mark.parametrize("seed", range(LADDERS))
def test_any_ladder_is_judged_rung_by_rung_whatever_its_order(seed: int) -> None:
    rungs, claimed, seen = found(seed)
    shuffled = random.Random(seed).sample(rungs, len(rungs))

    assert seen == along_ladder(shuffled, claimed)
    assert sorted(rung.x for rung in rungs) == [rung.x for rung in seen.rungs]
    assert list(seen.standings) == [claimed.standing(rung) for rung in seen.rungs]


@pytest.mark.parametrize("seed", range(LADDERS))
def test_any_value_that_an_interval_allows_bears_its_standing_out(seed: int) -> None:
    rng = random.Random(seed)
    rungs, claimed, _ = found(seed)
    for rung in rungs:
        inside = [claimed.low <= rng.uniform(rung.low, rung.high) <= claimed.high for _ in range(20)]
        if claimed.standing(rung) is HOLDS:
            assert all(inside)
        elif claimed.standing(rung) is FAILS:
            assert not any(inside)


@pytest.mark.parametrize("seed", range(LADDERS))
def test_turns_alternate_do_not_overlap_and_lie_between_rungs_decided_differently(seed: int) -> None:
    _, _, seen = found(seed)
    at = {rung.x: standing for rung, standing in zip(seen.rungs, seen.standings, strict=True)}
    places = [rung.x for rung in seen.rungs]
    for crossing in seen.crossings:
        between = places[bisect_left(places, crossing.low) + 1 : bisect_left(places, crossing.high)]
        ends = (FAILS, HOLDS) if crossing.holds == "above" else (HOLDS, FAILS)
        assert ends == (at[crossing.low], at[crossing.high])
        assert [UNDECIDED] * len(between) == [at[place] for place in between]
    for before, after in pairwise(seen.crossings):
        assert before.high <= after.low
        assert before.holds != after.holds
    decided = [standing for standing in seen.standings if standing is not UNDECIDED]
    changes = sum(one is not other for one, other in pairwise(decided))
    assert changes == len(seen.crossings)


@pytest.mark.parametrize("seed", range(LADDERS))
def test_the_place_where_a_rising_figure_really_passes_a_limit_lies_in_the_turn(seed: int) -> None:
    rng = random.Random(seed)
    slope, start, doubt = rng.uniform(0.5, 4), rng.uniform(0, 2), rng.uniform(0, 0.4)
    limit = rng.uniform(start + doubt + 0.1, start + 20 * slope)
    places = sorted(rng.sample(range(1, 60), 8))
    rungs = [
        Rung(x, start + slope * x, start + slope * x - doubt, start + slope * x + doubt) for x in (0, *places)
    ]
    turns = along_ladder(rungs, Claimed(high=limit)).crossings

    really = (limit - start) / slope
    if really < places[-1] - doubt / slope:
        assert [(True, "below")] == [(turn.low <= really <= turn.high, turn.holds) for turn in turns]


@pytest.mark.parametrize(
    "rung", [(0, 2, 3, 4), (0, 5, 3, 4), (0, 3.5, 4, 3), (math.nan, 1, 1, 1), (0, 1, 0, math.inf)]
)
def test_a_rung_of_no_sense_is_refused(rung: tuple[float, float, float, float]) -> None:
    with pytest.raises(ValueError, match="low <= value <= high"):
        Rung(*rung)


def test_an_empty_claim_and_two_rungs_at_one_place_are_refused() -> None:
    with pytest.raises(ValueError, match="low <= high"):
        Claimed(5, 1)
    with pytest.raises(ValueError, match="same place"):
        along_ladder([exact(1, 2), exact(1, 3)], Claimed(1, 5))
