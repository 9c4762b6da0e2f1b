"""The ruling on what a request gets that finds all connections in use, from synthetic runs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from harness.records import Outcome
from reports.claims.base import RulingVerdict
from reports.claims.evidence import MissingEvidenceError
from reports.claims.rules import Found
from reports.claims.rulings.exhaustion import exhaustion_error
from scenarios import exhaustion, exhaustion_30s
from tests.unit.reports.builder import Request, TrialBuilder, pool_reading, target_info
from tests.unit.reports.claims.support import evidence_of

THREADS = {40: 102.0, 60: 300.0, 80: 400.0, 110: 440.0}
"""Users at once, and how long the refused among them waited in all, in ms."""


def ladder(
    target: str,
    waited_ms: Mapping[int, float],
    repetition: int = 1,
    refused: int = 20,
    counted: int | None = None,
    asked_ms: float = 101.0,
    out: int = 30,
) -> TrialBuilder:
    made = TrialBuilder(exhaustion.SCENARIO, target_info(target), repetition=repetition)
    made.mark_phases()
    at_s = exhaustion.SCENARIO.phases[0].duration_s
    for users in exhaustion.STEPS:
        phase = f"users-{users}"
        made.requests += [Request(phase, at_s + 0.1, 510.0, operation="hold") for _ in range(20)]
        if users in waited_ms:
            made.requests += [
                Request(
                    phase,
                    at_s + 0.2,
                    waited_ms[users],
                    Outcome.REFUSED,
                    "pool-exhausted",
                    operation="hold",
                    refused_after_ms=min(asked_ms, waited_ms[users]),
                )
                for _ in range(refused)
            ]
        at_s += 1.0
    total = refused * len(waited_ms)
    made.pool_at_end = pool_reading(
        9.0, 0, checked_out_max=out, timed_out_total=total if counted is None else counted
    )
    return made


COROUTINES = dict.fromkeys(THREADS, 102.0)


def runs(
    first: Mapping[int, float] = THREADS, coroutines: Mapping[int, float] = COROUTINES, **changes: int
) -> dict[str, list[TrialBuilder]]:
    return {
        "exhaustion": [
            made
            for number in (1, 2, 3)
            for made in (ladder("sync-pool", first, number, **changes), ladder("async-pool", coroutines, number))
        ]
    }


def rule(tmp_path: Path, runs: dict[str, list[TrialBuilder]]) -> Found:
    return exhaustion_error(evidence_of(tmp_path, runs))


def test_it_holds_up_to_as_many_requests_as_threads_and_says_where_it_ends(tmp_path: Path) -> None:
    found = rule(tmp_path, runs())
    assert found.verdict is RulingVerdict.SUPPORTED
    assert "none was refused; at 40, 20 were, 102 ms after they were sent, with a timeout of 100 ms" in found.said
    assert "at 110 at once it was refused after 440 ms" in found.condition
    (turn,) = found.turns
    assert (turn.low, turn.high, turn.holds) == (40, 60, "below")


def test_it_can_be_ruled_on_by_def_endpoints_alone(tmp_path: Path) -> None:
    found = rule(tmp_path, {"exhaustion": [ladder("sync-pool", THREADS)]})
    assert found.verdict is RulingVerdict.SUPPORTED


def test_where_nobody_waits_longer_there_is_no_turn(tmp_path: Path) -> None:
    found = rule(tmp_path, runs(dict.fromkeys(THREADS, 103.0)))
    assert (found.verdict, found.turns) == (RulingVerdict.SUPPORTED, ())


@pytest.mark.parametrize("first", [{**THREADS, 40: 250.0}, {**THREADS, 40: 20.0}, {**THREADS, 20: 102.0}])
def test_refusals_too_late_too_soon_or_with_connections_left_refute_it(
    tmp_path: Path, first: Mapping[int, float]
) -> None:
    assert rule(tmp_path, runs(first)).verdict is RulingVerdict.REFUTED


def test_refusals_that_the_pool_knows_nothing_of_refute_it(tmp_path: Path) -> None:
    assert rule(tmp_path, runs(counted=40)).verdict is RulingVerdict.REFUTED


def test_too_few_refusals_show_nothing(tmp_path: Path) -> None:
    with pytest.raises(MissingEvidenceError, match="only 9 requests were refused at 40 at once, of 10"):
        rule(tmp_path, runs(refused=9))


@pytest.mark.parametrize("early", [{40: 20.0}, {60: 20.0}, {110: 94.0}, {30: 102.0}, {40: 250.0}])
def test_coroutines_that_are_refused_too_soon_or_late_or_with_connections_left_refute_it(
    tmp_path: Path, early: Mapping[int, float]
) -> None:
    ladders = [ladder("sync-pool", THREADS), ladder("async-pool", {**COROUTINES, **early})]
    found = rule(tmp_path, {"exhaustion": ladders})
    assert (found.verdict, "coroutines" in found.said) == (RulingVerdict.REFUTED, True)


def test_coroutines_of_which_hardly_any_was_refused_show_nothing(tmp_path: Path) -> None:
    made = runs()
    made["exhaustion"][1] = ladder("async-pool", COROUTINES, 1, refused=9)
    with pytest.raises(
        MissingEvidenceError, match=r"only 9 requests were refused at 40 at once, of 10 \(async-pool"
    ):
        rule(tmp_path, made)


def test_a_few_that_the_pool_refused_at_once_are_not_hidden_by_the_median(tmp_path: Path) -> None:
    made = runs()
    made["exhaustion"][0].requests += [
        Request("users-40", 3.7, 104.0, Outcome.REFUSED, "pool-exhausted", operation="hold", refused_after_ms=1.0)
    ]
    made["exhaustion"][0].pool_at_end = pool_reading(9.0, 0, checked_out_max=30, timed_out_total=81)
    found = rule(tmp_path, made)
    assert (found.verdict, "Too soon: 1 ms at 40" in found.said) == (RulingVerdict.REFUTED, True)


def test_one_refusal_of_four_hundred_that_the_pool_knows_nothing_of_is_not_hidden_by_rounding(
    tmp_path: Path,
) -> None:
    found = rule(tmp_path, runs(refused=100, counted=399))
    assert (found.verdict, "99 to 100 % were the pool's own" in found.said) == (RulingVerdict.REFUTED, True)


def test_a_pool_of_which_not_all_was_out_was_not_exhausted(tmp_path: Path) -> None:
    with pytest.raises(MissingEvidenceError, match="sync-pool had 29 connections out at most, of 30"):
        rule(tmp_path, runs(out=29))


def test_refusals_of_a_smaller_pool_say_nothing_of_ten_and_twenty(tmp_path: Path) -> None:
    made = runs({**THREADS, 20: 102.0})
    for one in made["exhaustion"]:
        one.pool_at_end = pool_reading(9.0, 0, limit=10, checked_out_max=10, timed_out_total=100)
    with pytest.raises(MissingEvidenceError, match="the pool of sync-pool allowed 10 connections, not 30"):
        rule(tmp_path, made)


def long_trial(refused: int, after_ms: float = 30_060.0, counted: int | None = None) -> TrialBuilder:
    made = TrialBuilder(exhaustion_30s.SCENARIO, target_info("sync-pool"))
    made.mark_phases()
    made.requests += [Request("held", 0.1, 35_050.0, operation="hold_long") for _ in range(30)]
    made.requests += [
        Request("held", 0.1, after_ms, Outcome.REFUSED, "pool-exhausted", operation="hold_long")
        for _ in range(refused)
    ]
    made.pool_at_end = pool_reading(70.0, 0, timed_out_total=refused if counted is None else counted)
    return made


def test_the_usual_timeout_is_told_where_it_was_tried(tmp_path: Path) -> None:
    found = rule(tmp_path / "long", {**runs(), "exhaustion-30s": [long_trial(5)]})
    assert "With the timeout of 30 s it was 30," in found.said
    with pytest.raises(MissingEvidenceError, match="fewer than 3 requests"):
        rule(tmp_path / "few", {**runs(), "exhaustion-30s": [long_trial(2)]})


@pytest.mark.parametrize("changes", [{"after_ms": 5_000.0}, {"after_ms": 60_000.0}, {"counted": 4}])
def test_the_usual_timeout_has_to_hold_too(tmp_path: Path, changes: dict[str, int]) -> None:
    ladders = [ladder("sync-pool", THREADS), ladder("async-pool", COROUTINES)]
    found = rule(tmp_path, {"exhaustion": ladders, "exhaustion-30s": [long_trial(5, **changes)]})
    assert found.verdict is RulingVerdict.REFUTED
