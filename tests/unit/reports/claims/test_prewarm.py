"""The ruling on pre-warming, from synthetic runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from reports.claims.base import RulingVerdict
from reports.claims.evidence import MissingEvidenceError
from reports.claims.rules import Found
from reports.claims.rulings.prewarm import prewarm
from scenarios.first_requests import SCENARIO
from tests.unit.reports.builder import Request, TrialBuilder, pool_reading, target_info
from tests.unit.reports.claims.support import evidence_of


def trial(
    target: str,
    before: int,
    first: int,
    repetition: int = 1,
    sent: int = 10,
    out: int = 10,
    connect_ms: float = 12.0,
) -> TrialBuilder:
    """`before` connections at the start, `first` opened by the first requests, and twelve by later ones."""
    made = TrialBuilder(SCENARIO, target_info(target), repetition=repetition)
    made.mark_phases()
    made.requests += [
        Request("first", 0.05, 520.0, operation="hold", connect_ms=connect_ms if number < first else 0.0)
        for number in range(sent)
    ]
    made.requests += [Request("first", 0.7, 505.0, operation="hold") for _ in range(10)]
    made.readings += [
        pool_reading(-0.05, 0, opened_total=before),
        pool_reading(0.05, 10, opened_total=before + first // 2),
        pool_reading(0.35, out, opened_total=before + first),
        pool_reading(0.6, 11, opened_total=before + first + 1),
    ]
    made.pool_at_end = pool_reading(3.0, 0, opened_total=before + first + 12)
    return made


def rule(tmp_path: Path, cold: int = 10, single: int = 9, warm: tuple[int, ...] = (0, 0, 0)) -> Found:
    trials = [
        made
        for number, each in enumerate(warm, 1)
        for made in (
            trial("cold-start", 0, cold, number),
            trial("single-select", 1, single, number),
            trial("prewarmed", 10, each, number),
        )
    ]
    return prewarm(evidence_of(tmp_path, {"prewarm": trials}))


def test_it_holds_where_no_first_request_had_to_connect(tmp_path: Path) -> None:
    found = rule(tmp_path)
    assert found.verdict is RulingVerdict.SUPPORTED
    assert "0 had to connect; after a cold start 10, after one SELECT 1 9." in found.said
    assert "with 20 at once, opened 12 more" in found.condition
    assert "spent 12 ms on connecting after a cold start, 0 ms after warming" in found.condition


@pytest.mark.parametrize(
    ("warm", "verdict"),
    [((10, 10, 11), RulingVerdict.REFUTED), ((0, 3, 0), RulingVerdict.INCONCLUSIVE)],
)
def test_connects_after_warming_speak_against_it(
    tmp_path: Path, warm: tuple[int, ...], verdict: RulingVerdict
) -> None:
    assert rule(tmp_path, warm=warm).verdict is verdict


def test_a_cold_start_that_opened_few_shows_nothing(tmp_path: Path) -> None:
    found = rule(tmp_path, cold=6)
    assert found.verdict is RulingVerdict.INCONCLUSIVE
    assert "opened 6 connections" in found.said


def test_too_few_first_requests_show_nothing(tmp_path: Path) -> None:
    trials = [trial("cold-start", 0, 10, sent=9), trial("single-select", 1, 9), trial("prewarmed", 10, 0)]
    with pytest.raises(MissingEvidenceError, match="only 9 first requests"):
        prewarm(evidence_of(tmp_path, {"prewarm": trials}))


def others(target: str) -> list[TrialBuilder]:
    starts = {"cold-start": (0, 10), "single-select": (1, 9), "prewarmed": (10, 0)}
    return [trial(name, *start) for name, start in starts.items() if name != target]


def test_a_start_that_warmed_nothing_was_not_tried(tmp_path: Path) -> None:
    runs = {"prewarm": [*others("prewarmed"), trial("prewarmed", 0, 0)]}
    found = prewarm(evidence_of(tmp_path, runs))
    assert (found.verdict, "opened 0 connections" in found.said) == (RulingVerdict.INCONCLUSIVE, True)


@pytest.mark.parametrize("target", ["cold-start", "prewarmed"])
def test_a_pool_that_was_read_before_the_first_requests_had_theirs_tells_nothing_of_them(
    tmp_path: Path, target: str
) -> None:
    start = (0, 10) if target == "cold-start" else (10, 0)
    runs = {"prewarm": [*others(target), trial(target, *start, out=9)]}
    with pytest.raises(MissingEvidenceError, match="9 of 10 first requests had their connection"):
        prewarm(evidence_of(tmp_path, runs))


def test_connects_of_which_nobody_told_the_cost_spare_nothing(tmp_path: Path) -> None:
    runs = {"prewarm": [*others("cold-start"), trial("cold-start", 0, 10, connect_ms=0.0)]}
    with pytest.raises(MissingEvidenceError, match="told what connecting cost"):
        prewarm(evidence_of(tmp_path, runs))


def test_a_count_that_goes_back_is_none(tmp_path: Path) -> None:
    odd = trial("prewarmed", 10, 0)
    odd.readings[0] = pool_reading(-0.05, 0, opened_total=11)
    with pytest.raises(MissingEvidenceError, match="went back"):
        prewarm(evidence_of(tmp_path, {"prewarm": [*others("prewarmed"), odd]}))
