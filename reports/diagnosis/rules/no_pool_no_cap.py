"""no-pool-no-cap: as many connections as requests under way, until PostgreSQL has no more."""

from __future__ import annotations

from reports.diagnosis.evidence import Evidence, Source, grown
from reports.diagnosis.figures import sessions_of, told
from reports.diagnosis.refusals import refused_by_server
from reports.diagnosis.rule import CannotTell, Rule, Seen
from reports.summary import Sureness

EACH = 0.7
"""So many connections opened for each time that one was asked for: none is used twice."""
KEPT = 1.0
"""Without a probe: so many sessions idle on average are kept by a pool."""
MANY = 10
"""Made in requests: engines that come and go are another failure."""


def look(evidence: Evidence) -> Seen | CannotTell | None:
    """PostgreSQL refused connections, and nothing in the app keeps any."""
    refused = refused_by_server(evidence)
    if refused is None:
        return CannotTell("nothing tells whether PostgreSQL refused connections")
    if not refused or (told(evidence, "engines_in_request") or 0) >= MANY:
        return None
    if evidence.pool:
        return _by_pool(evidence, refused)
    return _by_totals(evidence, refused)


def _by_pool(evidence: Evidence, refused: int) -> Seen | None:
    opened = grown([one.opened_total for one in evidence.pool])
    checkouts = grown([one.checkouts_total for one in evidence.pool])
    if evidence.limit is not None or opened < EACH * checkouts:
        return None
    return Seen(
        said=(
            f"PostgreSQL refused {refused} connections: it had no more",
            f"{opened} connections were opened for {checkouts} checkouts, and nothing limits how many are "
            f"open at once: up to {max(one.checked_out_max for one in evidence.pool)} were",
        ),
    )


def _by_totals(evidence: Evidence, refused: int) -> Seen | None:
    totals, sessions = evidence.record.database_totals, sessions_of(evidence)
    if totals is None or totals.sessions is None or sessions is None or sessions.idle >= KEPT:
        return None
    if totals.sessions < EACH * evidence.successes().total:
        return None
    return Seen(
        said=(
            f"PostgreSQL refused {refused} connections: it had no more",
            f"{totals.sessions} sessions were opened for {evidence.requests} requests: none is used twice",
        ),
        sure=Sureness.LIKELY,
    )


RULE = Rule(
    id="no-pool-no-cap",
    title="Without a pool every request opens a connection, until PostgreSQL has no more",
    needs=(
        frozenset({Source.POOL, Source.INSIDE}),
        frozenset({Source.POOL, Source.SERVER_ERRORS}),
        frozenset({Source.SERVER_ERRORS, Source.TOTALS}),
    ),
    remedy=(
        "Keep a pool (pool_size within this service's share of max_connections, max_overflow = 0): who waits "
        "in the app costs PostgreSQL nothing. Behind PgBouncer without a pool, limit the requests under way "
        "instead"
    ),
    look=look,
)
