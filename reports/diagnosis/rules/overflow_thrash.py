"""overflow-thrash: more is out than the pool keeps: connections are closed and opened again all the time."""

from __future__ import annotations

from statistics import fmean

from reports.diagnosis.evidence import Evidence, Source, grown
from reports.diagnosis.figures import rises, told, under_load
from reports.diagnosis.rule import CannotTell, Rule, Seen
from reports.summary import Sureness

EACH = 0.1
"""So many connections opened for each checkout."""
FEWEST = 10
STEADY = 0.4
"""In so many of the tenths of the load at least: a burst is none."""
PARTS = 10
CLOSED = 0.7
"""Of those opened so many were closed again, and not as broken."""
NOT_EACH = 0.85
"""Without a probe: with no pool at all each request would have a session of its own."""


def look(evidence: Evidence) -> Seen | CannotTell | None:
    """Of the pool's own totals; without these from PostgreSQL's sessions."""
    if evidence.has(Source.POOL):
        return _by_pool(evidence)
    return _by_sessions(evidence)


def _by_pool(evidence: Evidence) -> Seen | None:
    read = under_load(evidence, evidence.pool)
    limit = evidence.limit
    if limit is None or len(read) < 2 or _is_of_many_pools(evidence):
        return None
    size = max(one.size for one in read)
    opened = grown([one.opened_total for one in read])
    closed = grown([one.closed_total for one in read])
    broken = grown([one.invalidated_total for one in read])
    checkouts = grown([one.checkouts_total for one in read])
    if size >= limit or opened < max(FEWEST, EACH * checkouts) or closed - broken < CLOSED * opened:
        return None
    if _steadiness([one.opened_total for one in read]) < STEADY:
        return None
    most = max(one.checked_out for one in read)
    out = fmean(one.checked_out for one in read)
    return Seen(
        said=(
            f"{opened} connections were opened for {checkouts} checkouts ({opened / max(checkouts, 1):.2f} "
            f"each), and {closed} closed again, all along",
            f"{out:.1f} were out on average and up to {most}, where the pool keeps {size} and may open "
            f"{limit - size} more",
            *_costs(evidence),
        ),
        remedy=(
            f"Keep what is in use: pool_size = {max(most, size + 1)}, max_overflow = 0 (now {size} and "
            f"{limit - size})"
        ),
        ruled_out=(f"no lost connections: {broken} of those closed were broken",),
    )


def _is_of_many_pools(evidence: Evidence) -> bool:
    """Pools that come and go are another failure."""
    return (told(evidence, "engines_in_request") or 0) >= FEWEST


def _steadiness(totals: list[int]) -> float:
    """In how many tenths of the load it rose."""
    step = max(1, len(totals) // PARTS)
    parts = rises(totals[::step])
    return sum(map(bool, parts)) / len(parts) if parts else 0.0


def _costs(evidence: Evidence) -> tuple[str, ...]:
    times = [one for one in evidence.times("connect") if one.p50_ms is not None]
    if not times:
        return ()
    most = max(times, key=lambda one: one.count)
    return (f"to open one took {most.p50_ms:.0f} ms (median), which a request waited for",)


def _by_sessions(evidence: Evidence) -> Seen | None:
    """Some sessions stay, and others come and go, fewer than there are transactions."""
    read = [one for one in under_load(evidence, evidence.sessions) if one.started is not None]
    totals = evidence.record.database_totals
    if len(read) < PARTS or totals is None or totals.sessions is None:
        return None
    started = [one.started or 0 for one in read]
    each = totals.sessions / evidence.requests
    steady = sum(map(bool, started)) / len(started)
    kept = sum(one.idle + one.idle_in_transaction + one.active > 0 for one in read) / len(read)
    if not EACH <= each <= NOT_EACH or totals.sessions < FEWEST or steady < STEADY or kept < 1:
        return None
    idle = fmean(one.idle for one in read)
    if idle < 1:
        return None
    return Seen(
        said=(
            f"{totals.sessions} sessions were opened for {evidence.requests} requests, all along, while "
            f"{idle:.1f} were idle on average",
        ),
        sure=Sureness.LIKELY,
    )


RULE = Rule(
    id="overflow-thrash",
    title="More connections are in use than the pool keeps: they are closed and opened again all the time",
    needs=(frozenset({Source.POOL}), frozenset({Source.SESSIONS, Source.TOTALS})),
    remedy="Set pool_size to what is in use at the peak, and max_overflow to 0",
    look=look,
    explained_by=("engine-per-request",),
)
