"""pool-exhausted: more connections wanted at once than the pool may have out, for longer than it waits."""

from __future__ import annotations

from reports.diagnosis.evidence import NS_PER_S, Evidence, Source, grown, length_s, stretches
from reports.diagnosis.figures import at_one_limit, load_s, sessions_of
from reports.diagnosis.rule import CannotTell, Rule, Seen
from reports.diagnosis.silence import SILENT
from reports.summary import Sureness

LEAST_S = 0.3
"""So long in all the pool has to be wholly out, with others waiting."""
FEWEST_FAILURES = 5
BUSY = 0.8
"""Without gauges: so large a share of as many sessions as there ever were is at work, on average under load."""


def look(evidence: Evidence) -> Seen | CannotTell | None:
    """With gauges it is seen; without, it is taken from a ceiling of sessions and failures at one time limit."""
    return _by_gauges(evidence) if evidence.has(Source.POOL) else _by_sessions(evidence)


def _by_gauges(evidence: Evidence) -> Seen | CannotTell | None:
    limit = evidence.limit
    if limit is None:
        return None
    full = stretches(evidence.pool, lambda one: one.checked_out >= limit and one.waiting > 0)
    timed_out = grown([one.timed_out_total for one in evidence.pool])
    if not timed_out or length_s(full) < LEAST_S:
        return None
    most_waiting = max(one.waiting for one in evidence.pool)
    said = [
        f"all {limit} connections were out and others waited for {length_s(full):.1f} s in all, up to "
        f"{most_waiting} at once",
        f"{timed_out:,} checkouts waited until the pool gave up",
    ]
    if held := _held_ms(evidence):
        said.append(f"a connection was held for {held:.0f} ms (median)")
    return Seen(
        said=tuple(said),
        moments=tuple((start / NS_PER_S, end / NS_PER_S, "no connection left") for start, end in full),
        ruled_out=_ruled_out(evidence),
        remedy=_remedy(evidence, limit),
    )


def _held_ms(evidence: Evidence) -> float | None:
    told = [one for one in evidence.times("held") if one.p50_ms is not None]
    return max(told, key=lambda one: one.count).p50_ms if told else None


def _remedy(evidence: Evidence, limit: int) -> str:
    """By Little's law as many are out on average as are asked for in the time that one is held.

    Who is refused and asks again at once is counted again in that; so where fewer were ever out or waited for at
    once, that is what was wanted.
    """
    held_ms = _held_ms(evidence)
    seconds = load_s(evidence)
    asked = grown([one.requests_total for one in evidence.pool if one.t_ns >= evidence.start_ns])
    if not held_ms or not asked:
        return ""
    wanted = asked / seconds * held_ms / 1000
    at_once = max(one.checked_out + one.waiting for one in evidence.pool)
    if wanted <= limit:
        return ""
    if at_once < wanted:
        return (
            f"up to {at_once} connections were out or waited for at once, and {limit} are allowed: hold them for "
            f"less time than {held_ms:.0f} ms, or allow {at_once} (pool_size + max_overflow), as far as "
            "PostgreSQL bears it. Wait 1 to 3 s at most (pool_timeout) and answer 503 with Retry-After, so that "
            "nobody asks again at once"
        )
    return (
        f"{asked / seconds:.0f} requests a second that hold a connection for {held_ms:.0f} ms each keep "
        f"{wanted:.0f} out on average (Little's law), and {limit} are allowed: hold them for less time, or "
        f"allow more than {wanted:.0f} (pool_size + max_overflow), as far as PostgreSQL bears it. Wait 1 to 3 "
        "s at most (pool_timeout) and answer 503 with Retry-After"
    )


def _ruled_out(evidence: Evidence) -> tuple[str, ...]:
    if evidence.pool_at_end is not None and evidence.pool_at_end.checked_out == 0:
        return ("no leak: every connection came back after the drain",)
    return ()


def _by_sessions(evidence: Evidence) -> Seen | CannotTell | None:
    if any(span.kind in SILENT for span in evidence.faults):
        return CannotTell("the database was silent for a while, and then a pool without gauges looks exhausted")
    sessions = sessions_of(evidence)
    failures = evidence.failures()
    limit = at_one_limit(failures)
    if sessions is None or not sessions.most or failures.total < FEWEST_FAILURES or limit is None:
        return None
    (low_ms, high_ms), busy = limit, sessions.busy / sessions.most
    if busy < BUSY:
        return None
    return Seen(
        said=(
            f"never more than {sessions.most} sessions, {busy:.0%} of them at work on average",
            f"{failures.total} requests failed after {low_ms / 1000:.1f} to {high_ms / 1000:.1f} s, as at a limit",
        ),
        sure=Sureness.LIKELY,
    )


RULE = Rule(
    id="pool-exhausted",
    title="The pool is exhausted: requests wait for a connection until the pool gives up",
    needs=(frozenset({Source.CLIENT, Source.POOL}), frozenset({Source.CLIENT, Source.SESSIONS})),
    remedy=(
        "Hold connections for less time; else size the pool by Little's law: arrivals a second times the "
        "seconds that each holds one. Wait 1 to 3 s at most (pool_timeout) and answer 503 with Retry-After"
    ),
    look=look,
    explained_by=(
        *("lock-convoy", "stream-pins-session", "leak-on-error", "leak-feedback", "nested-checkout"),
        *("threadpool-deadlock", "threadpool-starved", "idle-in-transaction", "query-hang", "preping-hang"),
    ),
)
