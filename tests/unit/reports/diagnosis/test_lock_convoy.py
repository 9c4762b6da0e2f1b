"""lock-convoy is named where most sessions in use wait for locks, and not where they work."""

from __future__ import annotations

from pathlib import Path

from reports.diagnosis.rule import CannotTell, Seen
from reports.diagnosis.rules.lock_convoy import RULE
from tests.unit.reports.builder import Request
from tests.unit.reports.diagnosis.support import every, evidence_of, sessions, trial_of

REQUESTS = [Request("steady", n / 50, 500.0) for n in range(60)]


def seen(tmp_path: Path, waiting: int | None, active: int = 8, behind_idle: int = 0) -> Seen | CannotTell | None:
    read = every(20, lambda t: sessions(t, active=active, waiting_for_lock=waiting, blocked_by_idle=behind_idle))
    return RULE.asked(evidence_of(tmp_path, trial_of(REQUESTS, read)))


def test_sessions_behind_a_lock_are_named(tmp_path: Path) -> None:
    said = seen(tmp_path, 7)
    assert isinstance(said, Seen)
    assert "7.0 of 8.0" in said.said[0]


def test_a_holder_that_waits_for_its_client_is_told_of(tmp_path: Path) -> None:
    said = seen(tmp_path, 7, behind_idle=7)
    assert isinstance(said, Seen)
    assert "idle in its transaction" in said.said[1]


def test_sessions_at_work_are_not(tmp_path: Path) -> None:
    assert seen(tmp_path, 0) is None


def test_one_that_waits_is_none(tmp_path: Path) -> None:
    assert seen(tmp_path, 1, active=2) is None


def test_readings_without_locks_cannot_tell(tmp_path: Path) -> None:
    assert isinstance(seen(tmp_path, None), CannotTell)
