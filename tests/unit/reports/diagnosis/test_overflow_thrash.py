"""overflow-thrash is named where connections come and go all along, and not in a burst or after they broke."""

from __future__ import annotations

from pathlib import Path

from reports.diagnosis.rule import CannotTell, Seen
from reports.diagnosis.rules.overflow_thrash import RULE
from tests.unit.reports.builder import Request, pool_reading
from tests.unit.reports.diagnosis.support import every, evidence_of, trial_of

REQUESTS = [Request("steady", n / 50, 150.0) for n in range(80)]


def seen(
    tmp_path: Path, *, opened: int, since_s: float = 0.0, until_s: float = 2.0, broken: int = 0
) -> Seen | CannotTell | None:
    """So many opened between two moments, and as many closed."""

    def so_far(t: float) -> int:
        return round(opened * max(0.0, min(t, until_s) - since_s) / (until_s - since_s))

    read = every(
        20,
        lambda t: pool_reading(
            t,
            4,
            limit=20,
            size=2,
            opened_total=so_far(t),
            closed_total=so_far(t),
            invalidated_total=min(broken, so_far(t)),
            checkouts_total=round(40 * t),
        ),
    )
    return RULE.asked(evidence_of(tmp_path, trial_of(REQUESTS, read)))


def test_connections_that_come_and_go_are_named(tmp_path: Path) -> None:
    said = seen(tmp_path, opened=40)
    assert isinstance(said, Seen)
    assert "pool_size = 4, max_overflow = 0" in said.remedy


def test_a_few_are_not(tmp_path: Path) -> None:
    assert seen(tmp_path, opened=5) is None


def test_a_burst_is_not(tmp_path: Path) -> None:
    assert seen(tmp_path, opened=40, since_s=1.0, until_s=1.2) is None


def test_broken_connections_are_not(tmp_path: Path) -> None:
    assert seen(tmp_path, opened=40, broken=40) is None


def test_the_client_alone_cannot_tell(tmp_path: Path) -> None:
    assert isinstance(RULE.asked(evidence_of(tmp_path, trial_of(REQUESTS))), CannotTell)
