"""spike-over-connect is named where a burst opens more than it needs, and not where connections are held long."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from harness.records import TimesReading
from reports.diagnosis.rule import CannotTell, Seen
from reports.diagnosis.rules.spike_over_connect import RULE
from tests.unit.reports.builder import Request, ns, pool_reading
from tests.unit.reports.diagnosis.support import every, evidence_of, trial_of

REQUESTS = [Request("steady", n / 50, 50.0) for n in range(80)]


def times(of: Literal["connect", "held"], p50_ms: float) -> TimesReading:
    return TimesReading(
        t_ns=ns(1.9), phase="steady", of=of, count=40, p50_ms=p50_ms, p90_ms=p50_ms, p99_ms=p50_ms, max_ms=p50_ms
    )


def seen(tmp_path: Path, *, burst: int, held_ms: float) -> Seen | CannotTell | None:
    gauges = every(20, lambda t: pool_reading(t, 1, limit=50, size=5, opened_total=5 + (burst if t > 1 else 0)))
    read = [*gauges, times("connect", 80.0), times("held", held_ms)]
    return RULE.asked(evidence_of(tmp_path, trial_of(REQUESTS, read)))


def test_a_burst_that_opens_one_each_is_named(tmp_path: Path) -> None:
    said = seen(tmp_path, burst=40, held_ms=20.0)
    assert isinstance(said, Seen)
    assert said.said[0].startswith("40 connections")


def test_a_few_are_not(tmp_path: Path) -> None:
    assert seen(tmp_path, burst=4, held_ms=20.0) is None


def test_connections_that_are_needed_for_long_are_not(tmp_path: Path) -> None:
    assert seen(tmp_path, burst=40, held_ms=500.0) is None


def test_without_a_probe_it_cannot_tell(tmp_path: Path) -> None:
    assert isinstance(RULE.asked(evidence_of(tmp_path, trial_of(REQUESTS))), CannotTell)
