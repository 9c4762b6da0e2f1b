"""threadpool-starved: all threads are taken by other work, and the pool lies idle while requests wait for one."""

from __future__ import annotations

from statistics import fmean

from harness.records import HostReading, InsideReading
from reports.diagnosis.evidence import Evidence, Source, share_where
from reports.diagnosis.figures import (
    STARVED,
    app_cores,
    at,
    in_flight,
    moments_of,
    nearest,
    not_starved,
    threads,
    under_load,
)
from reports.diagnosis.rule import CannotTell, Rule, Seen
from reports.summary import Sureness

LEAST_SHARE = 0.15
"""Of the readings under load, with every thread taken and somebody waiting for one."""
LEAST_SHARE_OUTSIDE = 0.25
OF_THREADS = 0.3
"""Of the threads at work fewer than so many may have a connection, or wait for one, for it to be other work."""
FEWEST_THREADS = 40
UNDER_WAY = 3
"""Without a probe: requests, while no more than `AT_WORK` sessions are at work, and others lie idle."""
AT_WORK = 1


def look(evidence: Evidence) -> Seen | CannotTell | None:
    """AnyIO's limiter says it; without a probe, a plateau of threads with idle sessions and requests under way."""
    inside = under_load(evidence, [one for one in evidence.inside if one.tokens])
    if evidence.has(Source.INSIDE, Source.POOL):
        return _by_limiter(evidence, inside)
    return _from_outside(evidence)


def _is_full(one: InsideReading) -> bool:
    return (one.borrowed or 0) >= (one.tokens or 0) > 0 and bool(one.threads_waited_for)


def _by_limiter(evidence: Evidence, inside: list[InsideReading]) -> Seen | None:
    share = share_where(inside, _is_full)
    if share < LEAST_SHARE:
        return None
    full = [one for one in inside if _is_full(one)]
    pools = [min(evidence.pool, key=lambda pool: abs(pool.t_ns - one.t_ns)) for one in full]
    with_database = fmean(pool.checked_out + pool.waiting for pool in pools)
    tokens = full[0].tokens or 0
    if with_database >= OF_THREADS * tokens:
        return None
    limit = evidence.limit
    most = max(one.threads_waited_for or 0 for one in full)
    return Seen(
        said=(
            f"all {tokens} threads were at work in {share:.0%} of the readings, while up to {most} tasks "
            "waited for one",
            f"only {with_database:.1f} connections were out or waited for meanwhile, on average"
            + ("" if limit is None else f", of {limit}"),
        ),
        moments=moments_of(inside, _is_full, "no thread left"),
        ruled_out=(
            "not the pool: it had connections left, and hardly anybody waited for one",
            *not_starved(evidence),
        ),
    )


def _from_outside(evidence: Evidence) -> Seen | None:
    read = threads(evidence)
    cores = app_cores(evidence)
    most = max((one.app_threads or 0 for one in read), default=0)
    if most < FEWEST_THREADS or cores is None or cores > STARVED:
        return None
    moments = in_flight(evidence)

    def is_plateau(one: HostReading) -> bool:
        sessions = nearest(evidence.sessions, one.t_ns)
        return (
            (one.app_threads or 0) >= most - 1
            and at(moments, one.t_ns) >= UNDER_WAY
            and sessions is not None
            and sessions.active <= AT_WORK
            and sessions.idle > 0
        )

    share = share_where(read, is_plateau)
    if share < LEAST_SHARE_OUTSIDE:
        return None
    return Seen(
        said=(
            f"in {share:.0%} of the readings the app had {most} threads and no more, {UNDER_WAY} or more "
            f"requests were under way, at most {AT_WORK} session was at work, and others lay idle",
        ),
        sure=Sureness.LIKELY,
        moments=moments_of(read, is_plateau, "threads at their most, sessions idle"),
        ruled_out=("not the pool: its sessions were idle while requests waited", *not_starved(evidence)),
    )


RULE = Rule(
    id="threadpool-starved",
    title="Other work has taken all threads: requests wait for a thread while the pool lies idle",
    needs=(frozenset({Source.INSIDE, Source.POOL}), frozenset({Source.SESSIONS, Source.PROCESS})),
    remedy=(
        "Give the slow work a limiter of its own (`anyio.to_thread.run_sync(work, "
        "limiter=CapacityLimiter(n))`), make it `async`, or hand it to a worker process; the 40 threads of "
        "`def` endpoints are then theirs"
    ),
    look=look,
    explained_by=("leak-on-error", "leak-feedback"),
)
