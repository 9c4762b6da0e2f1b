"""leak-on-error: a request that fails keeps its connection for ever."""

from __future__ import annotations

from itertools import accumulate, pairwise
from statistics import fmean

from reports.diagnosis.evidence import NS_PER_S, Evidence, Source
from reports.diagnosis.figures import (
    at,
    at_one_limit,
    in_flight,
    last_told,
    load_s,
    moments_of,
    rises,
    told,
    under_load,
)
from reports.diagnosis.rule import CannotTell, Rule, Seen
from reports.summary import Sureness

MANY = 5
SHARE = 0.3
"""Where the garbage collector brings connections back: so many were left, and for so many of the failures."""
STANDSTILL = 0.2
"""Or for so much of the load, until its end, no session was used and no request succeeded."""
OF_CLIENTS = frozenset({"client-timeout", "http-400", "http-401", "http-403", "http-404", "http-409", "http-422"})
"""Failures that are no sign of a limit in the app."""
STEPS = 2
"""Without a probe: so often what never comes back grew."""


def look(evidence: Evidence) -> Seen | CannotTell | None:
    """A leak is what is out after the drain and belongs to nobody; a long hold has somebody who works on."""
    if evidence.has(Source.POOL, Source.INSIDE) and (told(evidence, "abandoned_total")) is not None:
        return _by_probe(evidence)
    return _by_transactions(evidence) or _by_standstill(evidence) if evidence.has(Source.SESSIONS) else None


def _by_probe(evidence: Evidence) -> Seen | None:
    left = told(evidence, "abandoned_total") or 0
    still = last_told(evidence, "abandoned") or 0
    out = evidence.pool_at_end.checked_out if evidence.pool_at_end else 0
    failures = evidence.failures().total
    if still and out and left:
        sure, kept = Sureness.SURE, f"{out} connections were still out after the drain, {still} of them nobody's"
    elif left >= max(MANY, SHARE * failures) and failures:
        sure, kept = Sureness.LIKELY, "the garbage collector brought back what was left"
    else:
        return None
    said = [f"{max(left, still)} connections were out when their request had ended", kept, _of_failures(evidence)]
    if place := next((one.oldest_place for one in reversed(evidence.inside) if one.oldest_place), ""):
        said.append(f"the one that is out the longest was taken at {place}")
    return Seen(
        said=tuple(said),
        sure=sure,
        moments=moments_of(evidence.inside, lambda one: bool(one.abandoned), "out and nobody's"),
        ruled_out=("no long hold: the requests that took them have ended",),
    )


def _of_failures(evidence: Evidence) -> str:
    kinds = evidence.kinds_of_failure()
    if not kinds:
        return "no request failed: connections are lost without an error, too"
    most = sorted(kinds.items(), key=lambda item: -item[1])[:3]
    return f"{sum(kinds.values())} requests failed ({', '.join(f'{kind}: {count}' for kind, count in most)})"


def _by_transactions(evidence: Evidence) -> Seen | None:
    """Sessions that stay in their transaction: their number grows under load and has not fallen at its end."""
    at_end, before = evidence.record.sessions_at_end, evidence.record.sessions_before
    moments = in_flight(evidence)
    if at_end is None or (moments and at(moments, moments[-1][0])):
        return None
    kept = at_end.idle_in_transaction - (before.idle_in_transaction if before else 0)
    after = [one for one in evidence.sessions if one.t_ns > evidence.end_ns]
    if kept < STEPS or any(one.idle_in_transaction < kept for one in after):
        return None
    read = under_load(evidence, evidence.sessions)
    floor = list(accumulate((one.idle_in_transaction for one in reversed(read)), min))[::-1]
    if sum(bool(rise) for rise in rises(floor)) < STEPS:
        return None
    return Seen(
        said=(
            f"{kept} sessions were still in a transaction after the drain, waiting for a client that had no "
            "request",
            "they became more and never fewer under load",
            _of_failures(evidence),
        ),
        sure=Sureness.LIKELY,
        moments=tuple((one.t_ns / NS_PER_S, one.t_ns / NS_PER_S, "in a transaction") for one in after[-1:]),
    )


def _by_standstill(evidence: Evidence) -> Seen | None:
    """No session does anything any more, until the end, while requests wait until the pool gives up.

    What is lost is idle then, or closed by the garbage collector while its pool takes it for being out.
    """
    read = [one for one in evidence.sessions if one.t_ns >= evidence.start_ns]
    last_used = max((one.t_ns for one in read if one.active or one.idle_in_transaction), default=evidence.start_ns)
    last_used = max(last_used, _last_success_ns(evidence))
    stands_s = (evidence.end_ns - last_used) / NS_PER_S
    failures = evidence.failures(kinds=[kind for kind in evidence.kinds_of_failure() if kind not in OF_CLIENTS])
    limit = at_one_limit(failures)
    if stands_s < STANDSTILL * load_s(evidence) or failures.total < MANY or limit is None:
        return None
    low_ms, high_ms = limit
    moments = [number for t_ns, number in in_flight(evidence) if last_used <= t_ns <= evidence.end_ns]
    if not moments or fmean(moments) < 1 or evidence.faults:
        return None
    return Seen(
        said=(
            f"from {last_used / NS_PER_S:.1f} s on no session did anything and no request succeeded, though "
            f"{fmean(moments):.1f} were under way on average",
            f"{failures.total} requests failed after {low_ms / 1000:.1f} to {high_ms / 1000:.1f} s, as at a "
            "limit: the pool takes all its connections for being out",
            _of_failures(evidence),
        ),
        sure=Sureness.LIKELY,
        moments=((last_used / NS_PER_S, evidence.end_ns / NS_PER_S, "nothing is in use, and nothing to be had"),),
    )


def _last_success_ns(evidence: Evidence) -> int:
    """The end of the last bin of the time line in which a request was sent that succeeded."""
    points = evidence.observed.fold.timeline.points
    ends = [later.t_s for one, later in pairwise(points) if one.requests > one.failures]
    return round(max(ends, default=0.0) * NS_PER_S)


RULE = Rule(
    id="leak-on-error",
    title="Connections are lost: a request that fails does not give its connection back",
    needs=(frozenset({Source.POOL, Source.INSIDE}), frozenset({Source.SESSIONS})),
    remedy=(
        "Give the connection back in a `finally`, or take it in a `with` block: `with Session(engine) as "
        "session: yield session`, `with pool.connection() as connection: yield connection`"
    ),
    look=look,
    explained_by=("leak-feedback", "shared-session"),
)
