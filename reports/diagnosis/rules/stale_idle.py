"""stale-idle: the server ended sessions that lay idle, and requests were handed them as if they lived."""

from __future__ import annotations

from statistics import fmean

from reports.diagnosis.evidence import NS_PER_S, Evidence, Source, grown
from reports.diagnosis.figures import under_load
from reports.diagnosis.rule import CannotTell, Rule, Seen
from reports.summary import Sureness

ENDED = ("57P01", "57P05", "25P03", "57P02")
"""By somebody, by a time limit of idle sessions, by one of idle transactions, by a crash."""
AWAY = ("57P03", "53300")
"""The server took no new session: failures are then of another kind."""
FEWEST_FAILURES = 2
CHANCE = 3.0
"""So many times as many as were at work when sessions were ended: the rest had lain idle."""
AT_ONCE = 5.0
"""A dead connection is noticed at once: the median failure takes no longer than so many median successes."""


def look(evidence: Evidence) -> Seen | CannotTell | None:
    """By the ends that PostgreSQL logged, and by failures that are no more than these and come at once."""
    logged = evidence.server_errors or {}
    ended = sum(logged.get(code, 0) for code in ENDED)
    failures = evidence.failures()
    if not ended or failures.total < FEWEST_FAILURES:
        return None
    if failures.total > ended or any(logged.get(code) for code in AWAY):
        return None
    failed_ms, answered_ms = failures.quantiles_ms(500)[0], evidence.successes().quantiles_ms(500)[0]
    if failed_ms is None or answered_ms is None or failed_ms > AT_ONCE * answered_ms:
        return None
    busy = _busy(evidence)
    if busy is None:
        return CannotTell(
            "whether the ended sessions were at work or idle is not known without PostgreSQL's sessions"
        )
    if failures.total < CHANCE * busy * ended:
        return None
    said = [
        f"PostgreSQL ended {ended} sessions, {1 - busy:.0%} of which were idle on average, and "
        f"{failures.total} requests failed: not one for each, and at once ({failed_ms:.0f} ms, median)"
        if failures.total < ended
        else f"PostgreSQL ended {ended} sessions, {1 - busy:.0%} of which were idle on average, and as many "
        f"requests failed, at once ({failed_ms:.0f} ms, median)",
    ]
    invalidated = grown([one.invalidated_total for one in evidence.pool])
    if invalidated:
        said.append(f"the pool found {invalidated} of its connections dead only after a request had used one")
    return Seen(
        said=tuple(said),
        sure=Sureness.SURE if invalidated else Sureness.LIKELY,
        moments=tuple(
            (max(0.0, one.t_ns / NS_PER_S - 1), one.t_ns / NS_PER_S, "sessions were ended")
            for one in evidence.logged
            if any(one.counts.get(code) for code in ENDED)
        ),
        ruled_out=("not the server: it took new sessions all the while",),
    )


def _busy(evidence: Evidence) -> float | None:
    """Which share of the sessions was at work, on average under load."""
    read = [one for one in under_load(evidence, evidence.sessions) if one.total]
    if not read:
        return None
    return fmean((one.active + one.idle_in_transaction) / one.total for one in read)


RULE = Rule(
    id="stale-idle",
    title="The pool hands out connections that the server has ended while they were idle",
    needs=(frozenset({Source.CLIENT, Source.SERVER_ERRORS}),),
    remedy=(
        "Let the pool try a connection before use (pool_pre_ping=True), or replace connections before the "
        "server or the network ends them (pool_recycle below the shortest idle limit on the way)"
    ),
    look=look,
)
