"""engine-per-request: every request makes an engine or pool of its own, and no connection is used twice."""

from __future__ import annotations

from reports.diagnosis.evidence import Evidence, Source
from reports.diagnosis.figures import sessions_of, told
from reports.diagnosis.rule import CannotTell, Rule, Seen
from reports.summary import Sureness

EACH = 0.2
"""So many pools made for each request."""
FEWEST = 10


LEFT = 2.0
"""Without a probe: so many times as many sessions lie idle as are in use, though each request opens one."""
OPENED_EACH = 0.9


def look(evidence: Evidence) -> Seen | CannotTell | None:
    """The probe sees pools come and go; from outside each request opens a session that is left and not "
    "used again."""
    made = told(evidence, "engines_in_request") if evidence.has(Source.INSIDE) else None
    if made is None:
        return _by_sessions(evidence)
    if made < max(FEWEST, EACH * evidence.requests):
        return None
    opened = max((one.opened_total for one in evidence.pool), default=0)
    said = [f"{made} engines or pools were made within {evidence.requests} requests"]
    if opened:
        said.append(f"{opened} connections were opened: what one request opened no other could use")
    return Seen(said=tuple(said), ruled_out=("no pool that is too small: each had one to itself",))


def _by_sessions(evidence: Evidence) -> Seen | CannotTell | None:
    """Without any pool none would lie idle, and with one they would be used again."""
    totals, sessions = evidence.record.database_totals, sessions_of(evidence)
    if totals is None or totals.sessions is None or sessions is None:
        return CannotTell("neither a probe nor PostgreSQL tells how many sessions were opened")
    if totals.sessions < max(FEWEST, OPENED_EACH * evidence.requests):
        return None
    if sessions.idle < max(1.0, LEFT * sessions.busy):
        return None
    return Seen(
        said=(
            f"{totals.sessions} sessions were opened for {evidence.requests} requests",
            f"{sessions.idle:.1f} of them lay idle on average, and {sessions.busy:.1f} were in use: they are "
            "kept, and no other request finds them",
        ),
        sure=Sureness.LIKELY,
    )


RULE = Rule(
    id="engine-per-request",
    title="Each request makes an engine of its own: no connection is used twice",
    needs=(frozenset({Source.INSIDE}), frozenset({Source.SESSIONS, Source.TOTALS})),
    remedy=(
        "Make the engine once a process: at module level or in the app's lifespan, and let dependencies make "
        "sessions on it. Dispose of it when the app ends"
    ),
    look=look,
)
