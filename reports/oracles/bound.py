"""The bound: never more connections than the pool allows, neither by its own account nor by PostgreSQL's."""

from __future__ import annotations

from collections.abc import Iterator

from harness.records import DatabaseReading, PoolReading
from reports.oracles.cases import BROKEN, PASSED, UNKNOWN, Case, Judgement, budget_of, oracle

FEWEST_READINGS = 10
IN_A_ROW = 3
"""Readings of too many sessions that break the bound: one just closed is there for some milliseconds."""
SETTLE_NS = 1_000_000_000
"""PostgreSQL notices late that a client is gone: during a fault, and so long after its healing, sessions are not
held against the bound."""


@oracle("bound")
def bound(case: Case) -> Judgement:
    """Every reading of the pool, and of PostgreSQL's sessions where no fault was."""
    pool = case.trial.readings_of(PoolReading)
    sessions = [r for r in case.trial.readings_of(DatabaseReading) if r.of_primary and not _disturbed(case, r)]
    count = len(pool) + len(sessions)
    limits = {reading.limit for reading in pool if reading.limit is not None}
    budget = budget_of(case)
    if not limits:
        return Judgement(UNKNOWN, "the pool has no limit, or was not read", count)
    for reading in pool:
        out = max(reading.checked_out, reading.checked_out_max)
        if reading.limit is not None and out > reading.limit:
            said = f"{out} connections were out at {reading.t_ns / 1e9:.1f} s, of {reading.limit} allowed"
            return Judgement(BROKEN, said, count)
    budget = max(limits) if budget is None else budget
    for most, t_ns in _held_over(sessions):
        if most > budget:
            said = f"PostgreSQL had {most} sessions at {t_ns / 1e9:.1f} s, of {budget} allowed"
            return Judgement(BROKEN, said, count)
    if len(pool) < FEWEST_READINGS or len(sessions) < FEWEST_READINGS:
        said = f"{len(pool)} readings of the pool and {len(sessions)} of sessions, of {FEWEST_READINGS} at least"
        return Judgement(UNKNOWN, said, count)
    most_out, most_there = max(r.checked_out_max for r in pool), max(r.total for r in sessions)
    said = f"at most {most_out} connections were out of {max(limits)}, and {most_there} sessions there of {budget}"
    return Judgement(PASSED, said, count)


def _disturbed(case: Case, reading: DatabaseReading) -> bool:
    return any(
        span.from_ns <= reading.t_ns and (span.until_ns is None or reading.t_ns < span.until_ns + SETTLE_NS)
        for span in case.disturbances
    )


def _held_over(sessions: list[DatabaseReading]) -> Iterator[tuple[int, int]]:
    """How many sessions there were at least through so many readings in a row, and when."""
    for last in range(IN_A_ROW, len(sessions) + 1):
        row = sessions[last - IN_A_ROW : last]
        yield min(reading.total for reading in row), row[0].t_ns
