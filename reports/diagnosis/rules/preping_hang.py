"""preping-hang: the look whether a connection lives waits for a silent server, and nothing ends the waiting."""

from __future__ import annotations

from reports.diagnosis.evidence import Evidence, Source
from reports.diagnosis.rule import CannotTell, Rule, Seen
from reports.diagnosis.silence import stall, without_gauges


def look(evidence: Evidence) -> Seen | CannotTell | None:
    """Requests wait for connections, none is out, the pool has some, and it pinged until then."""
    if not evidence.has(Source.POOL):
        return without_gauges(evidence)
    found = stall(evidence, lambda one: one.checked_out == 0 and one.waiting > 0)
    if found is None:
        return None
    until = [one for one in evidence.pool if one.t_ns <= found.start_ns]
    during = [one for one in evidence.pool if found.start_ns <= one.t_ns <= found.end_ns]
    pinged = max((one.pings_total for one in during), default=0)
    open_now = max((one.checked_in for one in during), default=0)
    if not until or not pinged or not open_now:
        return None
    if 2 * pinged < until[-1].checkouts_total:
        return None
    waiting = max(one.waiting for one in during)
    return Seen(
        said=(
            f"for {found.length_s:.1f} s no connection was out, {open_now} were open, and up to {waiting} "
            f"requests waited for one; the pool pings before use ({pinged} times until then), and had no "
            "answer",
            "PostgreSQL had no statement under way meanwhile",
            f"the longest request waited for {found.longest_ms / 1000:.1f} s",
        ),
        moments=(found.moment("pings wait for a silent server"),),
        ruled_out=("not an exhausted pool: none of its connections was in use",),
    )


RULE = Rule(
    id="preping-hang",
    title="The ping before use waits without end for a server that is silent",
    needs=(
        frozenset({Source.CLIENT, Source.POOL, Source.SESSIONS}),
        frozenset({Source.CLIENT, Source.SESSIONS}),
    ),
    remedy=(
        "Bound what the driver waits for: command_timeout and timeout in connect_args with asyncpg, "
        "connect_timeout and tcp_user_timeout with psycopg. pool_timeout bounds the queue only, not the ping "
        "that comes after it"
    ),
    look=look,
)
