"""stale-idle is named where idle sessions ended and a few requests fail at once, and not where work was cut."""

from __future__ import annotations

from pathlib import Path

from harness.records import DatabaseReading, ErrorsReading, Outcome, Reading
from reports.diagnosis.rule import CannotTell, Seen
from reports.diagnosis.rules.stale_idle import RULE
from tests.unit.reports.builder import Request, ns
from tests.unit.reports.diagnosis.support import evidence_of, trial_of

FAST = [Request("steady", n / 50, 3.0) for n in range(60)]


def failing(count: int, latency_ms: float = 4.0) -> list[Request]:
    return [Request("steady", 0.5 + n / 10, latency_ms, Outcome.UNKNOWN, "http-500") for n in range(count)]


def told(*, active: int, ended: dict[str, int]) -> list[Reading]:
    return [
        *(
            DatabaseReading(t_ns=ns(t / 5), active=active, idle=10 - active, idle_in_transaction=0, total=10)
            for t in range(10)
        ),
        ErrorsReading(t_ns=ns(1.0), counts=ended),
    ]


def test_idle_sessions_ended_and_used_are_named(tmp_path: Path) -> None:
    said = RULE.asked(evidence_of(tmp_path, trial_of([*FAST, *failing(4)], told(active=0, ended={"57P01": 10}))))
    assert isinstance(said, Seen)
    assert "10 sessions" in said.said[0]
    assert "4 requests failed" in said.said[0]


def test_sessions_ended_that_nobody_misses_are_not(tmp_path: Path) -> None:
    assert RULE.asked(evidence_of(tmp_path, trial_of(FAST, told(active=0, ended={"57P01": 10})))) is None


def test_statements_cut_in_their_midst_are_not(tmp_path: Path) -> None:
    trial = trial_of([*FAST, *failing(8)], told(active=8, ended={"57P01": 10}))
    assert RULE.asked(evidence_of(tmp_path, trial)) is None


def test_a_server_that_is_away_is_something_else(tmp_path: Path) -> None:
    trial = trial_of([*FAST, *failing(8)], told(active=0, ended={"57P01": 10, "57P03": 20}))
    assert RULE.asked(evidence_of(tmp_path, trial)) is None


def test_failures_that_take_their_time_are_not(tmp_path: Path) -> None:
    trial = trial_of([*FAST, *failing(4, 900.0)], told(active=0, ended={"57P01": 10}))
    assert RULE.asked(evidence_of(tmp_path, trial)) is None


def test_without_the_servers_log_it_cannot_be_told(tmp_path: Path) -> None:
    assert isinstance(RULE.asked(evidence_of(tmp_path, trial_of([*FAST, *failing(4)]))), CannotTell)
