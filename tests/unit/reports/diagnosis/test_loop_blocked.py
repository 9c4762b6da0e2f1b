"""loop-blocked is named where synchronous calls stop the loop, and not where a processor is busy."""

from __future__ import annotations

from pathlib import Path

from harness.records import Reading
from reports.diagnosis.rule import CannotTell, Seen
from reports.diagnosis.rules.loop_blocked import RULE
from reports.summary import Sureness
from tests.unit.reports.builder import Request
from tests.unit.reports.diagnosis.support import every, evidence_of, host, inside, sessions, trial_of, under_way

REQUESTS = [Request("steady", n / 50, 150.0, operation="report") for n in range(50)]
HELD_UP = [Request("steady", n / 50, 1.0 if n % 2 else 140.0, operation="hello") for n in range(50)]
FREE = [Request("steady", n / 50, 1.0, operation="hello") for n in range(50)]
ONE_AT_A_TIME = [
    *every(20, lambda t: sessions(t, active=1, idle=1), lambda t: under_way(t, 3), lambda t: host(t, t / 100))
]


def told(calls: int, still_ms: float) -> list[Reading]:
    return every(
        20, lambda t: inside(t, in_loop=round(calls * t / 2), in_loop_ms=still_ms * t / 2, lag_max_ms=150.0)
    )


def test_synchronous_calls_in_the_loop_are_named(tmp_path: Path) -> None:
    said = RULE.asked(evidence_of(tmp_path, trial_of(REQUESTS, told(100, 1500.0))))
    assert isinstance(said, Seen)
    assert said.sure is Sureness.SURE


def test_calls_at_the_start_alone_are_not(tmp_path: Path) -> None:
    assert RULE.asked(evidence_of(tmp_path, trial_of(REQUESTS, told(2, 30.0)))) is None


def test_without_a_probe_one_statement_at_a_time_and_a_slow_route_without_any_tell(tmp_path: Path) -> None:
    said = RULE.asked(evidence_of(tmp_path, trial_of([*REQUESTS, *HELD_UP], ONE_AT_A_TIME)))
    assert isinstance(said, Seen)
    assert said.sure is Sureness.LIKELY


def test_a_route_that_does_not_wait_rules_it_out(tmp_path: Path) -> None:
    assert RULE.asked(evidence_of(tmp_path, trial_of([*REQUESTS, *FREE], ONE_AT_A_TIME))) is None


def test_a_busy_processor_rules_it_out(tmp_path: Path) -> None:
    starved = [*ONE_AT_A_TIME[:40], *every(20, lambda t: host(t, t))]
    assert RULE.asked(evidence_of(tmp_path, trial_of([*REQUESTS, *HELD_UP], starved))) is None


def test_one_route_alone_cannot_tell(tmp_path: Path) -> None:
    assert isinstance(RULE.asked(evidence_of(tmp_path, trial_of(REQUESTS, ONE_AT_A_TIME))), CannotTell)


def test_the_client_alone_cannot_tell(tmp_path: Path) -> None:
    assert isinstance(RULE.asked(evidence_of(tmp_path, trial_of([*REQUESTS, *HELD_UP]))), CannotTell)
