"""What is counted of the rows of pg_stat_activity."""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from harness.records import DatabaseReading, decode_reading
from harness.sampling.activity import Session, behind_idle, reading_of

IDLING = "idle in transaction"
OLD = {
    "source": "database",
    "t_ns": 5,
    "part": "primary",
    "active": 1,
    "idle": 2,
    "idle_in_transaction": 0,
    "total": 3,
}


def session(
    pid: int,
    state: str | None = "active",
    wait: str | None = None,
    blockers: list[int] | None = None,
    *,
    ours: bool = False,
    statement_ms: float | None = None,
    transaction_ms: float | None = None,
    state_ms: float | None = None,
    about_types: bool = False,
) -> Session:
    ages = (statement_ms, transaction_ms, state_ms)
    return Session(pid, ours, state, wait, blockers, 1000 + pid, *ages, about_types)


def reading(*everyone: Session, before: frozenset[int] | None = None) -> DatabaseReading:
    return reading_of("primary", everyone, before)


def test_states_are_counted_as_before_and_ours_are_left_out() -> None:
    found = reading(
        session(1),
        session(2, "idle"),
        session(3, IDLING),
        session(4, "idle in transaction (aborted)"),
        session(5, None),
        session(6, ours=True),
    )
    assert (1, 1, 2, 5) == found.by_state


def test_ages_are_the_oldest_of_each_kind() -> None:
    found = reading(
        session(1, statement_ms=5.0, transaction_ms=50.0, state_ms=5.0),
        session(2, statement_ms=7.0, transaction_ms=7.0, state_ms=7.0),
        session(3, "idle", statement_ms=900.0, state_ms=900.0),
        session(4, IDLING, statement_ms=400.0, transaction_ms=500.0, state_ms=300.0),
        session(5, ours=True, statement_ms=9e9, transaction_ms=9e9, state_ms=9e9),
    )
    ages = (found.oldest_active_ms, found.oldest_in_transaction_ms, found.oldest_idle_in_transaction_ms)
    assert (7.0, 500.0, 300.0) == ages


def test_where_there_is_no_such_session_there_is_no_age() -> None:
    found = reading(session(1, "idle", statement_ms=3.0, state_ms=3.0))
    assert (None, None, None) == (
        found.oldest_active_ms,
        found.oldest_in_transaction_ms,
        found.oldest_idle_in_transaction_ms,
    )
    assert (0, 0, {}) == (found.waiting_for_lock, found.blocked_by_idle, found.waits)


def test_a_clock_that_was_set_back_makes_no_age_negative() -> None:
    assert 0.0 == reading(session(1, statement_ms=-4.0)).oldest_active_ms


def test_active_sessions_are_told_by_what_they_wait_for() -> None:
    found = reading(
        session(1), session(2), session(3, wait="Lock"), session(4, wait="Client"), session(5, "idle", "Client")
    )
    assert {"none": 2, "Lock": 1, "Client": 1} == found.waits


def test_a_queue_for_a_row_stands_behind_an_idle_holder_as_a_whole() -> None:
    """The second in the queue waits for the first, as PostgreSQL tells it, and only the first for the holder."""
    found = reading(
        session(1, IDLING),
        session(2, wait="Lock", blockers=[1]),
        session(3, wait="Lock", blockers=[2]),
        session(4, wait="Lock", blockers=[2, 3]),
    )
    assert (3, 3) == (found.waiting_for_lock, found.blocked_by_idle)


def test_what_waits_for_a_session_at_work_is_not_behind_an_idle_one() -> None:
    found = reading(session(1), session(2, wait="Lock", blockers=[1]), session(3, IDLING))
    assert (1, 0) == (found.waiting_for_lock, found.blocked_by_idle)


def test_the_idle_holder_may_be_one_of_ours_and_then_only_the_targets_sessions_count() -> None:
    found = reading(
        session(1, IDLING, ours=True),
        session(2, wait="Lock", blockers=[1], ours=True),
        session(3, wait="Lock", blockers=[2]),
    )
    assert (1, 1) == (found.waiting_for_lock, found.blocked_by_idle)


def test_sessions_that_wait_for_one_another_are_behind_nobody_idle() -> None:
    """A deadlock that PostgreSQL has not looked at yet, and a prepared transaction, which has no process."""
    assert frozenset() == behind_idle(
        [session(1, wait="Lock", blockers=[2]), session(2, wait="Lock", blockers=[1, 0]), session(3, IDLING)]
    )


def test_sessions_are_new_that_were_not_there_before() -> None:
    first = reading(session(1), session(2, "idle"))
    assert first.started is None
    assert 2 == reading(session(1), session(3), session(4), before=frozenset({1001, 1002})).started
    assert 0 == reading(session(1), before=frozenset({1001, 1002})).started


def test_sessions_that_asked_for_types_last_are_counted_at_work_and_at_rest() -> None:
    found = reading(
        session(1, about_types=True),
        session(2, "idle", about_types=True),
        session(3, IDLING, about_types=True),
        session(4),
    )
    assert 2 == found.introspecting


@pytest.mark.parametrize(("state", "total"), [("hidden", 1), ("disabled", 2)])
def test_where_sessions_do_not_tell_what_they_do_nothing_is_made_up(state: str, total: int) -> None:
    found = reading(session(1, "idle"), session(2, state), before=frozenset())
    assert total == found.total
    assert [None] * 8 == [
        found.waiting_for_lock,
        found.blocked_by_idle,
        found.oldest_active_ms,
        found.oldest_in_transaction_ms,
        found.oldest_idle_in_transaction_ms,
        found.waits,
        found.started,
        found.introspecting,
    ]


def test_an_older_record_is_read_and_tells_none_of_it() -> None:
    found = decode_reading(json.dumps(OLD))
    assert DatabaseReading(t_ns=5, active=1, idle=2, idle_in_transaction=0, total=3) == found
    assert isinstance(found, DatabaseReading)
    assert found.waits is None


def test_what_was_written_is_read_again() -> None:
    written = reading(session(1, statement_ms=2.5, wait="Lock", blockers=[2]), session(2, IDLING, state_ms=1.0))
    assert written == decode_reading(written.model_dump_json())


@pytest.mark.parametrize(
    "wrong",
    [
        {"waiting_for_lock": -1},
        {"oldest_active_ms": -0.5},
        {"waits": {"Lock": -1}},
        {"started": 2**63},
        {"waits": 3},
    ],
)
def test_what_cannot_be_is_damage(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        decode_reading(json.dumps({**OLD, **wrong}))
