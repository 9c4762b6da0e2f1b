"""query-hang: statements wait for a server that is silent, and nothing ends the waiting."""

from __future__ import annotations

from reports.diagnosis.evidence import Evidence, Source
from reports.diagnosis.rule import CannotTell, Rule, Seen
from reports.diagnosis.silence import stall, without_gauges


def look(evidence: Evidence) -> Seen | CannotTell | None:
    """Connections are out and stay out, no statement begins or ends, and PostgreSQL has nothing to do."""
    if not evidence.has(Source.POOL):
        return without_gauges(evidence)
    found = stall(evidence, lambda one: one.checked_out > 0)
    if found is None:
        return None
    if not found.is_marked:
        return CannotTell(
            "connections are out while PostgreSQL is idle: a silent link, or a wait for something else with "
            "a connection out"
        )
    out = max(one.checked_out for one in evidence.pool if found.start_ns <= one.t_ns <= found.end_ns)
    return Seen(
        said=(
            f"for {found.length_s:.1f} s {out} connections were out and no statement began or ended on them, "
            "while PostgreSQL had none under way: its answers did not arrive",
            f"the longest request waited for {found.longest_ms / 1000:.1f} s",
        ),
        moments=(found.moment("statements wait for a silent server"),),
        ruled_out=("no lock and no slow statement: PostgreSQL was idle",),
    )


RULE = Rule(
    id="query-hang",
    title="Statements wait without end for a server that is silent",
    needs=(
        frozenset({Source.CLIENT, Source.POOL, Source.SESSIONS}),
        frozenset({Source.CLIENT, Source.SESSIONS}),
    ),
    remedy=(
        "Bound each statement in the client: command_timeout with asyncpg; with psycopg2, which has none, "
        "tcp_user_timeout and keepalives for packets that are dropped, and a deadline of the request's own. "
        "statement_timeout is the server's, and does not help when its answer is lost"
    ),
    look=look,
)
