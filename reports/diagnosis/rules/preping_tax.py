"""preping-tax: what a request waits for is mostly the look whether its connection lives."""

from __future__ import annotations

from reports.diagnosis.evidence import Evidence, Source
from reports.diagnosis.rule import CannotTell, Rule, Seen

FEWEST = 50
TIMES_A_QUERY = 1.25
"""A ping of one round trip takes no longer than a statement. BEGIN, statement and ROLLBACK take three, while the
first statement of a session may bring a BEGIN along and take two."""
SHARE = 0.4
"""So large a share of the median request is the ping."""
EACH = 0.8
"""So many of the checkouts begin with one."""


def look(evidence: Evidence) -> Seen | CannotTell | None:
    """By the times of pings against those of statements and of whole requests, in the phase that shows it most."""
    found: list[tuple[float, Seen]] = []
    for span in evidence.phases:
        pings, queries, acquires = (
            next(iter(evidence.times(of, (span.name,))), None) for of in ("ping", "query", "acquire")
        )
        whole_ms = evidence.successes((span.name,)).quantiles_ms(500)[0]
        if pings is None or queries is None or acquires is None or not whole_ms:
            continue
        if pings.count < FEWEST or pings.count < EACH * acquires.count or not pings.p50_ms or not queries.p50_ms:
            continue
        share, times = pings.p50_ms / whole_ms, pings.p50_ms / queries.p50_ms
        if share < SHARE or times < TIMES_A_QUERY:
            continue
        seen = Seen(
            said=(
                f"{pings.count} of {acquires.count} checkouts began with a ping of {pings.p50_ms:.1f} ms "
                f"(median), which is {share:.0%} of the median request ({whole_ms:.1f} ms)",
                f"a ping takes {times:.1f} times as long as a statement ({queries.p50_ms:.1f} ms): it is more "
                "than one round trip",
            ),
            moments=((span.start_ns / 1e9, span.end_ns / 1e9, "pings take much of each request"),),
            ruled_out=("not the statements themselves: a ping takes longer than they do",),
        )
        found.append((share, seen))
    return max(found, key=lambda one: one[0])[1] if found else None


RULE = Rule(
    id="preping-tax",
    title="Each request pays for several round trips only to see whether its connection lives",
    needs=(frozenset({Source.CLIENT, Source.TIMES}),),
    remedy=(
        "Ping without a transaction (one round trip, in AUTOCOMMIT), or not at all: pool_recycle below the "
        "shortest idle limit on the way, and one retry of what is safe to repeat. Or bring the service "
        "nearer to its database"
    ),
    look=look,
)
