"""Leaks: after the load every connection is back in its pool, and PostgreSQL has no session that no pool knows."""

from __future__ import annotations

from collections.abc import Iterator

from harness.records import DatabaseReading, PoolReading
from reports.oracles.cases import BROKEN, PASSED, UNKNOWN, Case, Judgement, oracle, processes_of

FEWEST_CHECKOUTS = 20
"""Of a pool from which less was taken, that all came back shows nothing."""


@oracle("leak")
def leak(case: Case) -> Judgement:
    """Against what was out before the first request, and against what the pool says it keeps."""
    pool, sessions = case.trial.record.pool_at_end, case.trial.record.sessions_at_end
    if pool is None:
        return Judgement(UNKNOWN, "the pool was not read after the drain")
    taken = max(pool.checkouts_total, pool.requests_total)
    if leaked := next(_leaks(case, pool, sessions), ""):
        return Judgement(BROKEN, leaked, taken)
    if sessions is None:
        return Judgement(UNKNOWN, "PostgreSQL's sessions were not counted after the load", taken)
    if taken < FEWEST_CHECKOUTS:
        said = f"{taken} connections were taken, of {FEWEST_CHECKOUTS} at least"
        return Judgement(UNKNOWN, said, taken)
    return Judgement(
        PASSED, f"all of {taken:,} connections taken came back, and {sessions.total} stay open", taken
    )


def _leaks(case: Case, pool: PoolReading, sessions: DatabaseReading | None) -> Iterator[str]:
    base = next((r.checked_out for r in reversed(case.trial.readings_of(PoolReading)) if r.t_ns < 0), 0)
    if pool.checked_out > base:
        yield f"{pool.checked_out - base} connections never came back to the pool"
    if sessions is None:
        return
    if sessions.idle_in_transaction:
        yield f"{sessions.idle_in_transaction} sessions were left inside a transaction"
    beside = case.trial.record.pool_beside_sessions or pool
    kept = _kept(case, beside, case.trial.record.sessions_before)
    if sessions.total > kept:
        yield f"PostgreSQL has {sessions.total} sessions after the load, and {kept} are accounted for"


def _kept(case: Case, pool: PoolReading, before: DatabaseReading | None) -> int:
    """Sessions that may be there: those of before, or those that the pools of all processes keep."""
    of_pools = pool.checked_in + pool.checked_out
    if processes_of(case) > 1:  # one of them told
        of_pools = max(of_pools, pool.size * processes_of(case))
    return max(of_pools, before.total if before is not None else 0)
