"""threadpool-deadlock: who holds a connection waits for a thread, and who has a thread waits for a connection."""

from __future__ import annotations

from harness.records import HostReading, InsideReading, PoolReading
from reports.diagnosis.evidence import NS_PER_S, Evidence, Source, length_s, share_where, stretches
from reports.diagnosis.figures import at, in_flight, moments_of, nearest, not_starved, threads, told
from reports.diagnosis.rule import CannotTell, Rule, Seen
from reports.summary import Sureness

LEAST_S = 0.3
NEAR = 1
"""Gauges are read one after another: so many fewer may be waiting than there are threads."""
FEWEST_THREADS = 40
NESTED = 3
GOT_THROUGH = 0.3
"""Without a probe: so many requests succeed all the same, as the holders do when the others have given up."""
FEWEST_FAILURES = 5
LEAST_SHARE = 0.15


def look(evidence: Evidence) -> Seen | CannotTell | None:
    """Every thread waits for a connection, though those who hold one would need no more than a thread."""
    if evidence.has(Source.INSIDE, Source.POOL):
        return _by_limiter(evidence)
    return _from_outside(evidence)


def _by_limiter(evidence: Evidence) -> Seen | None:
    limit = evidence.limit
    tokens = max((one.tokens or 0 for one in evidence.inside), default=0)
    if limit is None or limit < 2 or tokens <= NEAR:
        return None
    if (told(evidence, "nested_waits") or 0) - (told(evidence, "nested") or 0) >= NESTED:
        return None  # the holders have a thread, in which they wait for a second connection

    def is_stuck(one: PoolReading) -> bool:
        inside = min(evidence.inside, key=lambda other: abs(other.t_ns - one.t_ns))
        return one.checked_out >= limit and one.waiting >= tokens - NEAR and _is_full(inside)

    stuck = stretches(evidence.pool, is_stuck)
    if length_s(stuck) < LEAST_S:
        return None
    said = [
        f"for {length_s(stuck):.1f} s all {tokens} threads waited for a connection, and all {limit} "
        "connections were out, held by requests that had no thread",
    ]
    during = [one for one in evidence.sessions if any(start <= one.t_ns <= end for start, end in stuck)]
    if during:
        said.append(
            f"PostgreSQL had nothing to do meanwhile: at most {max(one.active for one in during)} sessions at work"
        )
    if during and min(one.active for one in during) >= limit:
        return None  # the holders are at work: a long queue, and no deadlock
    return Seen(
        said=tuple(said),
        moments=tuple(
            (start / NS_PER_S, end / NS_PER_S, "threads and connections wait for each other")
            for start, end in stuck[:3]
        ),
        ruled_out=("not the pool's size alone: its holders were not working", *not_starved(evidence)),
        remedy=(
            "Open and close the session within the endpoint (`with Session(engine) as session:`), so that no "
            f"connection is out while a thread is waited for; or admit fewer than {limit + tokens} requests "
            f"at once ({limit} connections and {tokens} threads). More threads only move the number"
        ),
    )


def _is_full(one: InsideReading) -> bool:
    return (one.borrowed or 0) >= (one.tokens or 0) - NEAR


def _from_outside(evidence: Evidence) -> Seen | None:
    """A plateau of threads, every session idle in its transaction, and more under way than both together."""
    read = threads(evidence)
    most = max((one.app_threads or 0 for one in read), default=0)
    if most < FEWEST_THREADS or evidence.failures().total < FEWEST_FAILURES:
        return None  # nobody has given up: threads are lacking, and no connection
    if evidence.successes().total < GOT_THROUGH * evidence.requests:
        return None  # the holders fail as well: they wait for a connection themselves
    moments = in_flight(evidence)

    def is_stuck(one: HostReading) -> bool:
        sessions = nearest(evidence.sessions, one.t_ns)
        return (
            sessions is not None
            and (one.app_threads or 0) >= most - 1
            and 0 < sessions.total == sessions.idle_in_transaction
            and at(moments, one.t_ns) >= FEWEST_THREADS + sessions.total
        )

    share = share_where(read, is_stuck)
    if share < LEAST_SHARE:
        return None
    return Seen(
        said=(
            f"in {share:.0%} of the readings the app had {most} threads and no more, every session was idle "
            "in its transaction, and more requests were under way than threads and sessions together would "
            "serve",
        ),
        sure=Sureness.LIKELY,
        moments=moments_of(read, is_stuck, "every session idle, every thread waiting"),
        ruled_out=not_starved(evidence),
    )


RULE = Rule(
    id="threadpool-deadlock",
    title="Requests that hold a connection wait for a thread, behind requests that wait for a connection",
    needs=(frozenset({Source.INSIDE, Source.POOL}), frozenset({Source.SESSIONS, Source.PROCESS})),
    remedy=(
        "Open and close the session within the endpoint (`with Session(engine) as session:`), so that no "
        "connection is out while a thread is waited for; or admit fewer requests at once than connections "
        "and threads together"
    ),
    look=look,
    explained_by=("leak-on-error", "leak-feedback"),
)
