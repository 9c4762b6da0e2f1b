"""stream-pins-session is named where what is out belongs to responses on their way."""

from __future__ import annotations

from pathlib import Path

from reports.diagnosis.rule import CannotTell, Seen
from reports.diagnosis.rules.stream_pins_session import RULE
from tests.unit.reports.builder import Request, pool_reading
from tests.unit.reports.diagnosis.support import every, evidence_of, inside, sessions, trial_of

REQUESTS = [Request("steady", n / 50, 500.0) for n in range(60)]


def seen(tmp_path: Path, *, pinned: int, streaming: int, out: int = 5) -> Seen | CannotTell | None:
    read = every(
        20,
        lambda t: inside(t, out_after_response=pinned, streaming=streaming),
        lambda t: pool_reading(t, out, limit=5),
        lambda t: sessions(t, idle_in_transaction=out),
    )
    return RULE.asked(evidence_of(tmp_path, trial_of(REQUESTS, read)))


def test_connections_of_responses_on_their_way_are_named(tmp_path: Path) -> None:
    said = seen(tmp_path, pinned=4, streaming=4)
    assert isinstance(said, Seen)
    assert "up to 4 of the 5" in said.said[0]


def test_connections_of_requests_that_are_not_answered_yet_are_not(tmp_path: Path) -> None:
    assert seen(tmp_path, pinned=0, streaming=0) is None


def test_streams_that_hold_no_connection_are_not(tmp_path: Path) -> None:
    assert seen(tmp_path, pinned=0, streaming=8, out=1) is None


def test_one_of_many_is_not(tmp_path: Path) -> None:
    assert seen(tmp_path, pinned=1, streaming=1, out=1) is None


def test_without_a_probe_it_cannot_tell(tmp_path: Path) -> None:
    read = every(20, lambda t: sessions(t, idle_in_transaction=5))
    assert isinstance(RULE.asked(evidence_of(tmp_path, trial_of(REQUESTS, read))), CannotTell)
