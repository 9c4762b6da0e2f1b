"""engine-per-request is named where pools are made in requests, and not where one is made at the start."""

from __future__ import annotations

from pathlib import Path

from harness.records import DatabaseTotals
from reports.diagnosis.rule import CannotTell, Seen
from reports.diagnosis.rules.engine_per_request import RULE
from tests.unit.reports.builder import Request
from tests.unit.reports.diagnosis.support import every, evidence_of, inside, sessions, totalled, trial_of

REQUESTS = [Request("steady", n / 50, 15.0) for n in range(80)]


def seen(tmp_path: Path, made: int) -> Seen | CannotTell | None:
    read = every(20, lambda t: inside(t, engines_in_request=round(made * t / 1.9)))
    return RULE.asked(evidence_of(tmp_path, trial_of(REQUESTS, read)))


def test_an_engine_for_each_request_is_named(tmp_path: Path) -> None:
    said = seen(tmp_path, 80)
    assert isinstance(said, Seen)
    assert said.said[0].startswith("80 engines")


def test_one_that_is_made_late_is_not(tmp_path: Path) -> None:
    assert seen(tmp_path, 1) is None


def from_outside(tmp_path: Path, *, opened: int, idle: int) -> Seen | CannotTell | None:
    trial = trial_of(REQUESTS, every(20, lambda t: sessions(t, idle=idle)))
    return RULE.asked(
        totalled(
            evidence_of(tmp_path, trial),
            DatabaseTotals(sessions=opened, deadlocks=0, commits=opened, rollbacks=2 * opened),
        )
    )


def test_without_a_probe_sessions_that_are_left_idle_tell(tmp_path: Path) -> None:
    assert isinstance(from_outside(tmp_path, opened=81, idle=6), Seen)


def test_sessions_that_are_used_again_rule_it_out(tmp_path: Path) -> None:
    assert from_outside(tmp_path, opened=6, idle=6) is None


def test_no_pool_at_all_leaves_none_idle(tmp_path: Path) -> None:
    assert from_outside(tmp_path, opened=81, idle=0) is None


def test_the_client_alone_cannot_tell(tmp_path: Path) -> None:
    assert isinstance(RULE.asked(evidence_of(tmp_path, trial_of(REQUESTS))), CannotTell)
