"""too-many-clients: pools may open more connections than PostgreSQL has."""

from __future__ import annotations

from reports.diagnosis.evidence import Evidence, Source, grown
from reports.diagnosis.figures import sessions_of
from reports.diagnosis.refusals import refused_by_server
from reports.diagnosis.rule import CannotTell, Rule, Seen
from reports.summary import Sureness

KEPT = 1.0
"""Without a probe: so many sessions idle on average are kept by a pool."""


def look(evidence: Evidence) -> Seen | CannotTell | None:
    """PostgreSQL refused connections that a pool was allowed to open."""
    refused = refused_by_server(evidence)
    if refused is None:
        return CannotTell("nothing tells whether PostgreSQL refused connections")
    if not refused:
        return None
    most = max((one.total for one in evidence.sessions), default=0)
    if evidence.pool:
        return _by_pool(evidence, refused, most)
    sessions = sessions_of(evidence)
    if sessions is None or sessions.idle < KEPT:
        return None
    return Seen(
        said=(
            f"PostgreSQL refused {refused} connections: it had no more",
            f"it had at most {most} sessions of this app, which it uses again",
        ),
        sure=Sureness.LIKELY,
    )


def _by_pool(evidence: Evidence, refused: int, most: int) -> Seen | None:
    limit = evidence.limit
    if limit is None:
        return None
    processes = max((one.processes for one in evidence.inside), default=1)
    said = [
        f"PostgreSQL refused {refused} connections: it had no more",
        f"the app may open {limit} in {processes} process{'es' if processes > 1 else ''}, and had {most} at most",
    ]
    if timed_out := grown([one.timed_out_total for one in evidence.pool]):
        said.append(f"{timed_out} checkouts waited until the pool gave up")
    return Seen(
        said=tuple(said),
        remedy=(
            f"Allow no more than what is left for this app: {max(1, most // processes)} in each of "
            f"{processes} (pool_size + max_overflow, times processes, times copies of the service, stays "
            "below max_connections less superuser_reserved_connections and what others take); or put "
            "PgBouncer in between"
        ),
    )


RULE = Rule(
    id="too-many-clients",
    title="Pools may open more connections than PostgreSQL has left",
    needs=(
        frozenset({Source.POOL, Source.INSIDE}),
        frozenset({Source.POOL, Source.SERVER_ERRORS}),
        frozenset({Source.SERVER_ERRORS, Source.TOTALS}),
    ),
    remedy=(
        "Give each service a budget: (pool_size + max_overflow) times processes times copies stays below "
        "max_connections less superuser_reserved_connections and what others take; or put PgBouncer in "
        "between"
    ),
    look=look,
)
