"""What PostgreSQL counted in a trial's database, from three looks at its counters."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from harness.environment.own_traffic import OwnTraffic
from harness.environment.totals import Totals
from harness.records import DatabaseTotals
from harness.witnesses.totals import grown, settled_totals

BEGUN = datetime(2026, 1, 1, tzinfo=UTC)
BEFORE = {
    "xact_commit": 10,
    "xact_rollback": 1,
    "deadlocks": 0,
    "sessions": 2,
    "sessions_abandoned": 0,
    "sessions_fatal": 0,
    "sessions_killed": 0,
    "active_time": 1.5,
    "idle_in_transaction_time": 0.0,
    "session_time": 20.25,
    "stats_reset": None,
}
ALIVE = {**BEFORE, "sessions_abandoned": 3, "sessions_fatal": 1, "sessions_killed": 2, "xact_commit": 40}
AT_END = {
    **ALIVE,
    "sessions_abandoned": 8,
    "sessions": 12,
    "xact_commit": 60,
    "xact_rollback": 5,
    "deadlocks": 1,
    "active_time": 101.5,
    "idle_in_transaction_time": 7.0,
    "session_time": 5020.25,
}


def totals(counters: dict[str, int | float | str | None], since: datetime | None = BEGUN, left: int = 0) -> Totals:
    return Totals(counters, since, left)


def own(sessions: int = 0, transactions: int = 0, open_ms: float = 0.0) -> OwnTraffic:
    return OwnTraffic(transactions=transactions, sessions=sessions, open_ms=open_ms)


def test_what_has_grown_is_told_without_our_own_and_ends_as_they_were_while_the_subject_lived() -> None:
    found = grown(totals({**BEFORE}), totals({**ALIVE}), totals({**AT_END}, left=2), own(3, 6, 40.0))
    assert found == DatabaseTotals(
        sessions=7,
        sessions_abandoned=3,
        sessions_fatal=1,
        sessions_killed=2,
        deadlocks=1,
        commits=44,
        rollbacks=4,
        active_time_ms=100.0,
        idle_in_transaction_time_ms=7.0,
        session_time_ms=5000.0,
        sessions_open=2,
        own_ms=40.0,
    )


def test_ours_are_never_more_than_there_were() -> None:
    found = grown(totals({**BEFORE}), totals({**BEFORE}), totals({**BEFORE}), own(sessions=1, transactions=1))
    assert found is not None
    assert (0, 0) == (found.sessions, found.commits)


def test_an_older_server_tells_what_it_counts() -> None:
    old = {name: BEFORE[name] for name in ("xact_commit", "xact_rollback", "deadlocks", "stats_reset")}
    later = {**old, "xact_commit": 30}
    found = grown(totals({**old}), totals({**later}), totals({**later}), own(sessions=4))
    assert found == DatabaseTotals(deadlocks=0, commits=20, rollbacks=0)


def test_counters_that_were_begun_anew_tell_nothing() -> None:
    crashed = BEGUN + timedelta(minutes=1)
    reset: dict[str, int | float | str | None] = {**AT_END, "stats_reset": "2026-01-01T00:01:00+00:00"}
    before, alive, at_end = totals({**BEFORE}), totals({**ALIVE}), totals({**AT_END})
    assert None is grown(before, totals({**ALIVE}, crashed), totals({**AT_END}, crashed), own())
    assert None is grown(before, alive, totals({**AT_END}, crashed), own())
    assert None is grown(before, alive, totals(reset), own())
    assert None is not grown(before, alive, at_end, own())


class Leaving:
    """A database whose sessions go one by one."""

    def __init__(self, sessions: int) -> None:
        self.left = sessions

    def totals(self) -> Totals:
        self.left -= 1
        return totals({**BEFORE}, left=self.left)


def test_sessions_that_are_about_to_end_are_waited_for_and_others_not_for_ever() -> None:
    found = settled_totals(Leaving(4), within_s=20.0)
    assert found is not None
    assert 0 == found.open_sessions
    found = settled_totals(Leaving(4), within_s=0.0)
    assert found is not None
    assert 3 == found.open_sessions
