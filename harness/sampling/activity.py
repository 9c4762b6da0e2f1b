"""What `pg_stat_activity` tells of a trial's sessions: one statement, and the counting of its rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from harness.records import DatabaseReading

ACTIVITY = """
    SELECT pid,
           application_name IS NOT DISTINCT FROM %s,
           CASE WHEN backend_type IS NOT NULL THEN state ELSE 'hidden' END,
           wait_event_type,
           CASE WHEN wait_event_type = 'Lock' THEN pg_blocking_pids(pid) END,
           (extract(epoch FROM backend_start) * 1000000)::bigint,
           (extract(epoch FROM clock_timestamp() - query_start) * 1000)::float8,
           (extract(epoch FROM clock_timestamp() - xact_start) * 1000)::float8,
           (extract(epoch FROM clock_timestamp() - state_change) * 1000)::float8,
           query ~ '[^a-z_]pg_type[^a-z_]|typeinfo_tree|set_config[(]''jit'''
    FROM pg_stat_activity
    WHERE datname = %s AND coalesce(backend_type, 'client backend') = 'client backend'
"""
"""Of the sessions in a database; takes the name of the harness's own sessions, and the database's.

Asking who blocks a session goes through the table of locks, so it is only done for one that waits for a lock. What
asyncpg asks about types (its `introspection.py`, and `jit` before it) is known by words that stand in the first
1,024 bytes of its text, which is all that is shown.
"""

RUNNING = "none"
"""What an active session waits for that runs on a processor, or would if it were given one."""
_UNTOLD = frozenset({"hidden", "disabled"})
_IDLE_IN_TRANSACTION = ("idle in transaction", "idle in transaction (aborted)")


class Session(NamedTuple):
    """A row of the answer; ages are at the moment of asking."""

    pid: int
    ours: bool  # of the harness
    state: str | None  # hidden: another role's, and not for us to see; disabled: track_activities is off
    wait: str | None
    blockers: Sequence[int] | None
    begun_us: int | None
    statement_ms: float | None
    transaction_ms: float | None
    state_ms: float | None
    about_types: bool | None

    @property
    def idles_in_transaction(self) -> bool:
        """Whether it waits for its client, and may hold locks."""
        return self.state in _IDLE_IN_TRANSACTION


def reading_of(part: str, everyone: Sequence[Session], before: frozenset[int] | None) -> DatabaseReading:
    """The sessions that are not ours, counted; `before` are those that there were, by when they began."""
    sessions = [one for one in everyone if not one.ours and one.state != "hidden"]
    states = Counter("in transaction" if one.idles_in_transaction else one.state for one in sessions)
    counts = DatabaseReading(
        t_ns=0,
        part=part,
        active=states["active"],
        idle=states["idle"],
        idle_in_transaction=states["in transaction"],
        total=len(sessions),
    )
    if any(one.state in _UNTOLD for one in everyone if not one.ours):
        return counts
    active = [one for one in sessions if one.state == "active"]
    idling = [one for one in sessions if one.idles_in_transaction]
    held_up = {one.pid for one in sessions if one.wait == "Lock"}
    return counts.model_copy(
        update={
            "waiting_for_lock": len(held_up),
            "blocked_by_idle": len(held_up & behind_idle(everyone)),
            "oldest_active_ms": _oldest(one.statement_ms for one in active),
            "oldest_in_transaction_ms": _oldest(one.transaction_ms for one in sessions),
            "oldest_idle_in_transaction_ms": _oldest(one.state_ms for one in idling),
            "waits": dict(Counter(one.wait or RUNNING for one in active)),
            "started": None if before is None else len(begun(sessions) - before),
            "introspecting": sum(bool(one.about_types) and one.state in ("active", "idle") for one in sessions),
        }
    )


def begun(sessions: Iterable[Session]) -> frozenset[int]:
    """When each began, to the microsecond: one server begins no two at once, so it is a name for each."""
    return frozenset(one.begun_us for one in sessions if one.begun_us is not None)


def behind_idle(everyone: Iterable[Session]) -> frozenset[int]:
    """Who waits for a session that is idle in transaction, or behind somebody who does.

    The first in a queue for a row waits for its holder, and the others for the first; behind an ALTER TABLE that
    waits for a reader everyone waits for the ALTER TABLE.
    """
    blockers: Mapping[int, frozenset[int]] = {one.pid: frozenset(one.blockers or ()) for one in everyone}
    reached = frozenset(one.pid for one in everyone if one.idles_in_transaction)
    behind: frozenset[int] = frozenset()
    while more := frozenset(pid for pid, others in blockers.items() if others & reached) - behind:
        behind |= more
        reached |= more
    return behind


def _oldest(ages_ms: Iterable[float | None]) -> float | None:
    """A clock that was set back meanwhile makes nothing younger than it is."""
    known = [age_ms for age_ms in ages_ms if age_ms is not None]
    return round(max(0.0, *known), 3) if known else None
