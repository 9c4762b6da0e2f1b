"""nested-checkout is named where holders wait for another connection, and not where they get it."""

from __future__ import annotations

from pathlib import Path

from harness.records import Outcome
from reports.diagnosis.rule import CannotTell, Seen
from reports.diagnosis.rules.nested_checkout import RULE
from tests.unit.reports.builder import Request, pool_reading
from tests.unit.reports.diagnosis.support import every, evidence_of, inside, sessions, trial_of, under_way

FINE = [Request("steady", n / 50, 150.0) for n in range(10)]
TIMED_OUT = [Request("steady", n / 50, 1500.0, Outcome.UNKNOWN, "http-500") for n in range(40)]


def seen(tmp_path: Path, *, waits: int, got: int, waiting: int) -> Seen | CannotTell | None:
    read = every(
        20,
        lambda t: inside(t, nested_waits=round(waits * t / 1.9), nested=round(got * t / 1.9)),
        lambda t: pool_reading(t, 5, limit=5, waiting=waiting),
    )
    return RULE.asked(evidence_of(tmp_path, trial_of([*FINE, *TIMED_OUT], read)))


def test_holders_that_never_get_a_second_one_are_named(tmp_path: Path) -> None:
    said = seen(tmp_path, waits=30, got=10, waiting=20)
    assert isinstance(said, Seen)
    assert "20 of these never got it" in said.said[0]


def test_holders_that_get_it_are_not(tmp_path: Path) -> None:
    assert seen(tmp_path, waits=30, got=30, waiting=2) is None


def test_requests_that_ask_once_are_not(tmp_path: Path) -> None:
    assert seen(tmp_path, waits=0, got=0, waiting=20) is None


def from_outside(
    tmp_path: Path, *, longest_ms: float, active: int = 0, fine: int = 10
) -> Seen | CannotTell | None:
    read = every(
        20,
        lambda t: sessions(
            t,
            active,
            idle_in_transaction=5 - active,
            waiting_for_lock=0,
            oldest_idle_in_transaction_ms=longest_ms,
        ),
        lambda t: under_way(t, 25),
    )
    asked = [Request("steady", n / 50, 150.0) for n in range(fine)]
    return RULE.asked(evidence_of(tmp_path, trial_of([*asked, *TIMED_OUT], read)))


def test_without_a_probe_sessions_that_idle_as_long_as_requests_wait_tell(tmp_path: Path) -> None:
    assert isinstance(from_outside(tmp_path, longest_ms=1480.0), Seen)


def test_sessions_that_idle_for_a_time_of_their_own_rule_it_out(tmp_path: Path) -> None:
    assert from_outside(tmp_path, longest_ms=400.0) is None


def test_holders_that_get_through_rule_it_out(tmp_path: Path) -> None:
    assert from_outside(tmp_path, longest_ms=1480.0, fine=40) is None


def test_sessions_at_work_rule_it_out(tmp_path: Path) -> None:
    assert from_outside(tmp_path, longest_ms=1480.0, active=3) is None


def test_the_client_alone_cannot_tell(tmp_path: Path) -> None:
    assert isinstance(RULE.asked(evidence_of(tmp_path, trial_of([*FINE, *TIMED_OUT]))), CannotTell)
