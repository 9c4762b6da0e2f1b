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


def trial(target: str, before: int, first: int, repetition: int = 1, sent: int = 10) -> TrialBuilder:
    """`before` connections at the start, `first` opened by the first requests, and twelve by later ones."""
    made = TrialBuilder(SCENARIO, target_info(target), repetition=repetition)
    made.mark_phases()
    made.requests += [
        Request("first", 0.05, 520.0, operation="hold", connect_ms=12.0 if number < first else 0.0)
        for number in range(sent)
    ]
    made.requests += [Request("first", 0.7, 505.0, operation="hold") for _ in range(10)]
    made.readings += [
        pool_reading(-0.05, 0, opened_total=before),
        pool_reading(0.05, 10, opened_total=before + first // 2),
        pool_reading(0.35, 10, opened_total=before + first),
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
