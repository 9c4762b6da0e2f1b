"""preping-tax is named where the ping is much of each request, and not where it is one round trip of several."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.records import Reading, TimesReading
from reports.diagnosis.rule import CannotTell, Seen
from reports.diagnosis.rules.preping_tax import RULE
from tests.unit.reports.builder import Request, ns
from tests.unit.reports.diagnosis.support import evidence_of, trial_of

FAR = [Request("steady", n / 50, 110.0) for n in range(80)]


def times(ping_ms: float, query_ms: float, pings: int = 80) -> list[Reading]:
    return [
        TimesReading.model_validate(
            {"t_ns": ns(2.0), "phase": "steady", "of": of, "count": count}
            | dict.fromkeys(("p50_ms", "p90_ms", "p99_ms", "max_ms"), ms)
        )
        for of, count, ms in (("ping", pings, ping_ms), ("query", 80, query_ms), ("acquire", 80, ping_ms))
    ]


def test_three_round_trips_before_two_are_named(tmp_path: Path) -> None:
    said = RULE.asked(evidence_of(tmp_path, trial_of(FAR, times(66.0, 43.0))))
    assert isinstance(said, Seen)
    assert "60% of the median request" in said.said[0]


@pytest.mark.parametrize(
    "readings",
    [
        pytest.param(times(22.0, 43.0), id="a ping of one round trip"),
        pytest.param(times(30.0, 20.0), id="a small part of the request"),
        pytest.param(times(66.0, 43.0, pings=20), id="a ping now and then"),
    ],
)
def test_what_costs_less_is_not(tmp_path: Path, readings: list[Reading]) -> None:
    assert RULE.asked(evidence_of(tmp_path, trial_of(FAR, readings))) is None


def test_without_times_it_cannot_be_told(tmp_path: Path) -> None:
    assert isinstance(RULE.asked(evidence_of(tmp_path, trial_of(FAR))), CannotTell)
