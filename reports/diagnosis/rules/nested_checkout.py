"""nested-checkout: requests wait for a second connection while they hold their first."""

from __future__ import annotations

from harness.records import DatabaseReading
from reports.diagnosis.evidence import NS_PER_S, Evidence, Source, grown, length_s, share_where, stretches
from reports.diagnosis.figures import at, at_one_limit, in_flight, moments_of, sessions_of, told, under_load
from reports.diagnosis.rule import CannotTell, Rule, Seen
from reports.summary import Sureness

FEWEST = 3
"""Nested waits that never got a connection."""
LEAST_S = 0.3
FEWEST_FAILURES = 5
"""Without a probe: failures at one time limit ..."""
STANDSTILL = 0.25
"""... and in so many readings every session idled in its transaction, and more requests were under way."""
GOT_THROUGH = 0.3
"""And fewer requests succeed: where the holders wait for threads, they get through in the end."""
AS_LONG = (0.7, 1.25)
"""They idle about as long as that limit at most: they wait for what the failing requests wait for."""


def look(evidence: Evidence) -> Seen | CannotTell | None:
    """The probe counts them; without it a standstill as long as the pool's limit tells."""
    if evidence.has(Source.INSIDE, Source.POOL) and told(evidence, "nested_waits") is not None:
        return _by_probe(evidence)
    return _by_sessions(evidence) if evidence.has(Source.LOCKS) else None


def _by_probe(evidence: Evidence) -> Seen | None:
    waits, got = told(evidence, "nested_waits") or 0, told(evidence, "nested") or 0
    limit = evidence.limit
    if limit is None or waits - got < FEWEST:
        return None
    full = stretches(evidence.pool, lambda one: one.checked_out >= limit and one.waiting > 0)
    if length_s(full) < LEAST_S:
        return None
    timed_out = grown([one.timed_out_total for one in evidence.pool])
    said = [
        f"{waits} times a connection was asked for by who held one already; {waits - got} of these never got it",
        f"all {limit} connections were out and others waited for {length_s(full):.1f} s; {timed_out} "
        "checkouts waited until the pool gave up",
    ]
    if (sessions := sessions_of(evidence)) and sessions.busy:
        said.append(
            f"PostgreSQL had nothing to do meanwhile: {sessions.active:.1f} sessions at work on average, "
            f"{sessions.idle_in_transaction:.1f} idle in transaction"
        )
    most = max(one.waiting for one in evidence.pool)
    return Seen(
        said=tuple(said),
        moments=tuple((start / NS_PER_S, end / NS_PER_S, "holders wait for another") for start, end in full[:3]),
        remedy=(
            "Use one session a request: pass it on instead of opening another. Where two are needed, let no "
            f"more than {limit - 1} requests at once take their first, or allow n + 1 connections (pool_size "
            f"+ max_overflow) for n such requests at once; up to {most + limit} wanted one here"
        ),
        ruled_out=("not the database: no statement was slow, the holders waited for the pool themselves",),
    )


def _by_sessions(evidence: Evidence) -> Seen | None:
    failures = evidence.failures()
    limit = at_one_limit(failures)
    if failures.total < FEWEST_FAILURES or limit is None:
        return None
    low_ms, high_ms = limit
    if evidence.successes().total >= GOT_THROUGH * evidence.requests:
        return None
    read, moments = under_load(evidence, evidence.sessions), in_flight(evidence)

    def stands_still(one: DatabaseReading) -> bool:
        return 0 < one.total == one.idle_in_transaction < at(moments, one.t_ns)

    share = share_where(read, stands_still)
    longest_ms = max((one.oldest_idle_in_transaction_ms or 0 for one in read if stands_still(one)), default=0)
    low, high = AS_LONG
    if share < STANDSTILL or not low * low_ms <= longest_ms <= high * high_ms:
        return None
    return Seen(
        said=(
            f"in {share:.0%} of the readings every session was idle in its transaction while more requests "
            "were under way",
            f"the longest was idle for {longest_ms / 1000:.1f} s, and {failures.total} requests failed after "
            f"{low_ms / 1000:.1f} to {high_ms / 1000:.1f} s: holders waited as long as the pool waits",
        ),
        sure=Sureness.LIKELY,
        moments=moments_of(read, stands_still, "every session idle in its transaction"),
    )


RULE = Rule(
    id="nested-checkout",
    title="Requests wait for a second connection while they hold their first",
    needs=(frozenset({Source.INSIDE, Source.POOL}), frozenset({Source.LOCKS})),
    remedy=(
        "Use one session a request: pass it on instead of opening another. Where k connections are needed by "
        "each of n requests at once, allow n * (k - 1) + 1 (pool_size + max_overflow)"
    ),
    look=look,
    explained_by=("threadpool-deadlock", "leak-on-error", "leak-feedback"),
)
