"""probe-through-pool: whether the service is alive depends on a connection being free."""

from __future__ import annotations

import re

from reports.diagnosis.evidence import Evidence, Source, grown, share_where
from reports.diagnosis.figures import at_one_limit, under_load
from reports.diagnosis.rule import CannotTell, Rule, Seen
from reports.summary import Sureness

ASKS_FOR_LIFE = re.compile(
    r"(^|[/_\-. ])(health[a-z]*|live[a-z]*|alive|heartbeat|ping|up|status)($|[/_\-. ?])", re.I
)
"""What routes are called by which orchestrators ask whether a process lives; `ready` may well ask the database."""
IS_READINESS = re.compile(r"ready|readi", re.I)
FAILING = 0.05
FEWEST = 2
LEAST_SHARE = 0.1
"""Of the readings under load, in which all connections are out and others wait."""
AS_OTHERS = (0.7, 1.4)
"""It fails after as long as others do."""


def look(evidence: Evidence) -> Seen | CannotTell | None:
    """It fails as the others do, at the pool's limit, while the pool has nothing left."""
    probes = [name for name in evidence.operations if ASKS_FOR_LIFE.search(name) and not IS_READINESS.search(name)]
    others = [name for name in evidence.operations if name not in probes]
    if not probes or not others:
        return None
    if not _is_exhausted(evidence, others):
        return None
    for name in probes:
        failed, answered = evidence.failures(operation=name), evidence.successes(operation=name).total
        if failed.total < max(FEWEST, FAILING * (failed.total + answered)):
            continue
        middle_ms = failed.quantiles_ms(500)[0] or 0.0
        theirs_ms = _middle_of_failures_ms(evidence, others)
        low, high = AS_OTHERS
        if theirs_ms is None or not low * theirs_ms <= middle_ms <= high * theirs_ms:
            continue
        return Seen(
            said=(
                f"{failed.total} of {failed.total + answered} requests of {name} failed, after "
                f"{middle_ms / 1000:.1f} s (median), as those did that need the database "
                f"({theirs_ms / 1000:.1f} s)",
                "the process was alive all the time: whoever asked would have restarted a service that was busy",
            ),
            sure=Sureness.SURE if evidence.has(Source.POOL) else Sureness.LIKELY,
        )
    return None


def _middle_of_failures_ms(evidence: Evidence, operations: list[str]) -> float | None:
    of_each = [evidence.failures(operation=name) for name in operations]
    whole = max(of_each, key=lambda one: one.total, default=None)
    return whole.quantiles_ms(500)[0] if whole is not None and whole.total >= FEWEST else None


def _is_exhausted(evidence: Evidence, others: list[str]) -> bool:
    limit = evidence.limit
    if evidence.pool:
        if limit is None or not grown([one.timed_out_total for one in evidence.pool]):
            return False
        full = share_where(
            under_load(evidence, evidence.pool), lambda one: one.checked_out >= limit and one.waiting > 0
        )
        return full >= LEAST_SHARE
    failed = max((evidence.failures(operation=name) for name in others), key=lambda one: one.total)
    return at_one_limit(failed) is not None


RULE = Rule(
    id="probe-through-pool",
    title="The liveness check needs a connection: an exhausted pool looks like a dead process",
    needs=(frozenset({Source.CLIENT, Source.POOL}), frozenset({Source.CLIENT, Source.SESSIONS})),
    remedy=(
        "Answer the liveness check without the database; ask the database in the readiness check alone, with "
        "a timeout below the orchestrator's"
    ),
    look=look,
)
