"""lock-convoy: sessions stand behind one another's locks, and the pool fills up behind them."""

from __future__ import annotations

from statistics import fmean

from harness.records import DatabaseReading
from reports.diagnosis.evidence import Evidence, Source, share_where
from reports.diagnosis.figures import moments_of, under_load
from reports.diagnosis.rule import CannotTell, Rule, Seen

FEWEST = 2
OF_THOSE_IN_USE = 0.5
"""In a convoy so many of the sessions in use wait for a lock, and at least `FEWEST`."""
LEAST_SHARE = 0.2
"""Of the readings under load."""


def look(evidence: Evidence) -> Seen | CannotTell | None:
    """PostgreSQL says of each session whether it waits for a lock; nothing else is needed."""
    readings = under_load(evidence, [one for one in evidence.sessions if one.waiting_for_lock is not None])
    share = share_where(readings, is_convoy)
    if share < LEAST_SHARE:
        return None
    convoys = [one for one in readings if is_convoy(one)]
    waiting = fmean(one.waiting_for_lock or 0 for one in convoys)
    in_use = fmean(one.active + one.idle_in_transaction for one in convoys)
    said = [
        f"in {share:.0%} of the readings sessions stood behind locks: {waiting:.1f} of {in_use:.1f} in use on "
        f"average, up to {max(one.waiting_for_lock or 0 for one in convoys)}",
    ]
    behind_idle = fmean((one.blocked_by_idle or 0) > 0 for one in convoys)
    if behind_idle >= OF_THOSE_IN_USE:
        said.append(
            f"in {behind_idle:.0%} of these the lock's holder was idle in its transaction, waiting for its client"
        )
    if oldest := max((one.oldest_in_transaction_ms or 0 for one in convoys), default=0):
        said.append(f"the oldest transaction was open for {oldest:.0f} ms")
    return Seen(
        said=tuple(said),
        moments=moments_of(readings, is_convoy, "sessions wait for locks"),
        ruled_out=(
            f"not the pool's size: on average {in_use - waiting:.1f} of the sessions in use were not waiting, "
            "and with a larger pool more would wait",
        ),
    )


def is_convoy(one: DatabaseReading) -> bool:
    """Whether most of those at work were waiting for somebody's lock."""
    waiting = one.waiting_for_lock or 0
    return waiting >= FEWEST and waiting >= OF_THOSE_IN_USE * (one.active + one.idle_in_transaction)


RULE = Rule(
    id="lock-convoy",
    title="Sessions wait for locks, and requests for connections behind them",
    needs=(frozenset({Source.LOCKS}),),
    remedy=(
        "Keep transactions that lock short: change the contended row last and commit at once, in the same "
        "order everywhere. Set lock_timeout (in a migration above all) so that a waiter gives up before the "
        "pool is full"
    ),
    look=look,
)
