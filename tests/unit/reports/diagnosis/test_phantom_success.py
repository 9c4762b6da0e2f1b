"""phantom-success is named where a COMMIT fails after its response, and not where it is late or fails in time."""

from __future__ import annotations

from pathlib import Path

from reports.diagnosis.rule import CannotTell, Seen
from reports.diagnosis.rules.phantom_success import RULE
from tests.unit.reports.builder import Request
from tests.unit.reports.diagnosis.support import every, evidence_of, inside, trial_of

REQUESTS = [Request("steady", n / 50, 5.0) for n in range(80)]


def seen(tmp_path: Path, *, late: int, failed: int, failed_late: int | None) -> Seen | CannotTell | None:
    read = every(
        20,
        lambda t: inside(
            t,
            commits_late=late if t > 1 else 0,
            commits_failed=failed if t > 1 else 0,
            commits_failed_late=failed_late if t > 1 or failed_late is None else 0,
        ),
    )
    return RULE.asked(evidence_of(tmp_path, trial_of(REQUESTS, read)))


def test_one_that_fails_after_its_response_is_named(tmp_path: Path) -> None:
    said = seen(tmp_path, late=80, failed=1, failed_late=1)
    assert isinstance(said, Seen)
    assert "1 of these failed" in said.said[0]


def test_one_that_fails_before_it_is_not(tmp_path: Path) -> None:
    assert seen(tmp_path, late=0, failed=9, failed_late=0) is None


def test_those_that_are_late_and_hold_are_not(tmp_path: Path) -> None:
    assert seen(tmp_path, late=80, failed=0, failed_late=0) is None


def test_an_older_probe_cannot_tell(tmp_path: Path) -> None:
    assert isinstance(seen(tmp_path, late=0, failed=0, failed_late=None), CannotTell)


def test_without_a_probe_it_cannot_tell(tmp_path: Path) -> None:
    assert isinstance(RULE.asked(evidence_of(tmp_path, trial_of(REQUESTS))), CannotTell)
