"""pool-exhausted is named where checkouts time out on a full pool, and not where requests are slow otherwise."""

from __future__ import annotations

from pathlib import Path

from harness.records import DatabaseReading, Outcome, Reading, TimesReading
from reports.diagnosis.rule import CannotTell, Seen
from reports.diagnosis.rules.pool_exhausted import RULE
from tests.unit.reports.builder import Request, ns, pool_reading
from tests.unit.reports.diagnosis.support import evidence_of, trial_of

FAST = [Request("steady", n / 50, 2.0) for n in range(60)]
TIMED_OUT = [Request("steady", n / 50, 1000.0 + n, Outcome.UNKNOWN, "http-500") for n in range(40)]


def full_pool(*, timed_out: int) -> list[Reading]:
    """Four of four out for most of the time, others waiting."""
    return [
        pool_reading(
            t / 10, 4 if t > 3 else 1, limit=4, waiting=5 if t > 3 else 0, timed_out_total=timed_out * (t > 9)
        )
        for t in range(20)
    ]


def sessions(active: int, total: int) -> list[Reading]:
    return [
        DatabaseReading(t_ns=ns(t / 5), active=active, idle=total - active, idle_in_transaction=0, total=total)
        for t in range(10)
    ]


def test_a_full_pool_that_gives_up_is_named(tmp_path: Path) -> None:
    said = RULE.asked(evidence_of(tmp_path, trial_of([*FAST, *TIMED_OUT], full_pool(timed_out=40))))
    assert isinstance(said, Seen)
    assert "all 4 connections were out" in said.said[0]
    assert "40 checkouts" in said.said[1]


def test_a_full_pool_that_keeps_up_is_not(tmp_path: Path) -> None:
    assert RULE.asked(evidence_of(tmp_path, trial_of(FAST, full_pool(timed_out=0)))) is None


def test_without_gauges_a_ceiling_of_busy_sessions_and_one_time_limit_tell(tmp_path: Path) -> None:
    said = RULE.asked(evidence_of(tmp_path, trial_of([*FAST, *TIMED_OUT], sessions(4, 4))))
    assert isinstance(said, Seen)


def test_idle_sessions_rule_it_out(tmp_path: Path) -> None:
    assert RULE.asked(evidence_of(tmp_path, trial_of([*FAST, *TIMED_OUT], sessions(1, 4)))) is None


def test_failures_at_all_times_rule_it_out(tmp_path: Path) -> None:
    at_once = [Request("steady", n / 50, 1.0 + 40 * n, Outcome.UNKNOWN, "http-500") for n in range(40)]
    assert RULE.asked(evidence_of(tmp_path, trial_of([*FAST, *at_once], sessions(4, 4)))) is None


def test_the_client_alone_cannot_tell(tmp_path: Path) -> None:
    said = RULE.asked(evidence_of(tmp_path, trial_of([*FAST, *TIMED_OUT])))
    assert isinstance(said, CannotTell)


def full_for_2_s(waiting: int, asked_per_s: int) -> list[Reading]:
    readings: list[Reading] = [
        pool_reading(
            t / 10, 4, limit=4, waiting=waiting, timed_out_total=40 * (t > 9), requests_total=asked_per_s * t // 10
        )
        for t in range(21)
    ]
    held = {"t_ns": ns(2), "phase": "steady", "of": "held", "count": 60}
    return [*readings, TimesReading(**held, p50_ms=500.0, p90_ms=500.0, p99_ms=500.0, max_ms=500.0)]


def test_the_remedy_is_the_size_by_littles_law(tmp_path: Path) -> None:
    said = RULE.asked(evidence_of(tmp_path, trial_of([*FAST, *TIMED_OUT], full_for_2_s(30, asked_per_s=20))))
    assert isinstance(said, Seen)
    assert "keep 10 out on average (Little's law), and 4 are allowed" in said.remedy


def test_who_is_refused_and_asks_again_makes_no_larger_pool(tmp_path: Path) -> None:
    said = RULE.asked(evidence_of(tmp_path, trial_of([*FAST, *TIMED_OUT], full_for_2_s(5, asked_per_s=200))))
    assert isinstance(said, Seen)
    assert "up to 9 connections were out or waited for at once" in said.remedy
