"""spike-over-connect: a burst opens a connection for each of its requests, though few would have served it."""

from __future__ import annotations

from collections.abc import Sequence

from harness.records import PoolReading, TimesReading
from reports.diagnosis.evidence import NS_PER_S, Evidence, Source, grown
from reports.diagnosis.figures import told
from reports.diagnosis.rule import CannotTell, Rule, Seen

WINDOW_S = 1.0
"""Opened within so long of each other is opened at once."""
FEWEST = 8
OVER_THE_KEPT = 1.5
"""A burst opens so many times what the pool keeps."""
OF_ALL = 0.6
"""So many of all that are opened in the trial are opened in a few bursts."""
BURSTS = 2
LONGER = 1.0
"""To open a connection takes at least as long as a request then holds it."""
MANY = 10


def look(evidence: Evidence) -> Seen | CannotTell | None:
    """Openings that come in bursts, and take longer than what the connections were wanted for."""
    pool, limit = evidence.pool, evidence.limit
    if not pool or (told(evidence, "engines_in_request") or 0) >= MANY:
        return None
    opened = grown([one.opened_total for one in pool])
    size = max(one.size for one in pool)
    bursts = _bursts(pool)
    in_bursts = sum(count for _, _, count in bursts[:BURSTS])
    if limit is None or not bursts or bursts[0][2] < max(FEWEST, OVER_THE_KEPT * size):
        return None
    if in_bursts < OF_ALL * opened:
        return None
    connect, held = _median_ms(evidence.times("connect")), _median_ms(evidence.times("held"))
    if connect is None or held is None or connect < LONGER * held:
        return None
    start, end, most = bursts[0]
    return Seen(
        said=(
            f"{most} connections were opened within {(end - start) / NS_PER_S:.1f} s, where the pool keeps {size}",
            f"to open one took {connect:.0f} ms (median), and a request held one for {held:.0f} ms: those "
            "that were open would have served the burst sooner",
        ),
        moments=tuple((a / NS_PER_S, b / NS_PER_S, f"{n} connections opened") for a, b, n in bursts[:BURSTS]),
        remedy=(
            f"A fixed pool that is filled at the start: max_overflow = 0 (now {limit - size}), and pool_size "
            "as the steady load needs; a burst then waits for a connection that comes back, not for one that "
            "is opened"
        ),
        ruled_out=("no steady churn: most connections were opened in bursts",),
    )


def _bursts(pool: Sequence[PoolReading]) -> list[tuple[int, int, int]]:
    """From, until and how many were opened, for windows that do not overlap, the largest first."""
    found: list[tuple[int, int, int]] = []
    for n, first in enumerate(pool):
        until = first.t_ns + round(WINDOW_S * NS_PER_S)
        within = [one for one in pool[n:] if one.t_ns <= until]
        if len(within) > 1 and (count := within[-1].opened_total - first.opened_total) > 0:
            found.append((first.t_ns, within[-1].t_ns, count))
    found.sort(key=lambda burst: -burst[2])
    apart: list[tuple[int, int, int]] = []
    for burst in found:
        if all(burst[1] <= start or end <= burst[0] for start, end, _ in apart):
            apart.append(burst)
    return apart


def _median_ms(times: Sequence[TimesReading]) -> float | None:
    """Of the stretch with the most of them."""
    known = [one for one in times if one.p50_ms is not None and one.count]
    return max(known, key=lambda one: one.count).p50_ms if known else None


RULE = Rule(
    id="spike-over-connect",
    title="A burst opens a connection for each of its requests, and waits for them",
    needs=(frozenset({Source.POOL, Source.TIMES}),),
    remedy="A fixed pool that is filled at the start: max_overflow = 0",
    look=look,
    explained_by=("overflow-thrash", "engine-per-request", "no-pool-no-cap"),
)
