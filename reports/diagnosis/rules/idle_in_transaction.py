"""idle-in-transaction: a connection is held while something else than the database is waited for."""

from __future__ import annotations

from statistics import fmean

from reports.diagnosis.evidence import Evidence, Source, share_where
from reports.diagnosis.figures import (
    STARVED,
    Sessions,
    app_cores,
    load_s,
    moments_of,
    not_starved,
    sessions_of,
    told,
    under_load,
)
from reports.diagnosis.rule import CannotTell, Rule, Seen
from reports.diagnosis.silence import KEEPING_BACK
from reports.summary import Sureness

OF_TIME_HELD = 0.7
"""So much of the time that connections were out, no statement was under way on them."""
OVER_COMPUTING = 3.0
"""That time is so many times what the app computed, so that it waited for something else than a processor."""
OF_THE_POOL = 0.6
"""On average so much of the pool was out, or of the sessions that there were: a connection matters then."""

MOSTLY_REACHED = 0.2
"""Without a probe: for no larger share of the load such a fault may keep the server's answers from the app."""


def look(evidence: Evidence) -> Seen | CannotTell | None:
    """The probe measures what is held without a statement; without it PostgreSQL's states of sessions tell."""
    cores = app_cores(evidence)
    sessions = sessions_of(evidence)
    if cores is None or cores > STARVED:
        return None
    if evidence.has(Source.INSIDE, Source.POOL) and told(evidence, "idle_ms_total") is not None:
        return _by_probe(evidence, cores, sessions)
    if not sessions:
        return None
    silent = share_where(
        under_load(evidence, evidence.sessions), lambda one: evidence.in_fault(one.t_ns, KEEPING_BACK)
    )
    if silent > MOSTLY_REACHED:
        return CannotTell(
            f"for {silent:.0%} of the load a fault kept answers from the app, and sessions wait for it then"
        )
    return _by_sessions(evidence, cores, sessions)


def _by_probe(evidence: Evidence, cores: float, sessions: Sessions | None) -> Seen | None:
    idle_ms, query_ms = told(evidence, "idle_ms_total") or 0, told(evidence, "query_ms_total") or 0
    if idle_ms <= 0 or idle_ms < OF_TIME_HELD * (idle_ms + query_ms):
        return None
    if idle_ms / 1000 < OVER_COMPUTING * cores * load_s(evidence):
        return None
    out = fmean([one.checked_out for one in under_load(evidence, evidence.pool)] or [0])
    limit = evidence.limit
    if out < 1 or (limit is not None and out < OF_THE_POOL * limit):
        return None
    said = [
        f"{idle_ms / (idle_ms + query_ms):.0%} of the time that connections were out no statement was under "
        "way on "
        f"them; {out:.1f}" + ("" if limit is None else f" of {limit}") + " were out on average",
    ]
    if sessions and sessions.busy:
        said.append(
            f"PostgreSQL saw {sessions.idle_in_transaction:.1f} sessions idle in transaction and "
            f"{sessions.active:.1f} at work on average"
        )
    return Seen(said=tuple(said), moments=_moments(evidence), ruled_out=not_starved(evidence))


def _by_sessions(evidence: Evidence, cores: float, sessions: Sessions) -> Seen | None:
    waiting = sessions.idle_in_transaction
    if waiting < OF_TIME_HELD * sessions.busy or waiting < max(1.0, OF_THE_POOL * sessions.most):
        return None
    if waiting < OVER_COMPUTING * cores:
        return None
    said = [
        f"{waiting:.1f} of {sessions.most} sessions waited in a transaction for the app on average, and "
        f"{sessions.active:.1f} were at work",
    ]
    longest_ms = max((one.oldest_idle_in_transaction_ms or 0.0 for one in evidence.sessions), default=0.0)
    if longest_ms:
        said.append(f"one of them for {longest_ms:.0f} ms")
    return Seen(
        said=tuple(said), sure=Sureness.LIKELY, moments=_moments(evidence), ruled_out=not_starved(evidence)
    )


def _moments(evidence: Evidence) -> tuple[tuple[float, float, str], ...]:
    return moments_of(
        under_load(evidence, evidence.sessions),
        lambda one: one.idle_in_transaction > OF_TIME_HELD * max(1, one.total),
        "sessions idle in transaction",
    )


RULE = Rule(
    id="idle-in-transaction",
    title="Connections are held in a transaction while something else is waited for",
    needs=(
        frozenset({Source.POOL, Source.INSIDE, Source.PROCESS}),
        frozenset({Source.SESSIONS, Source.PROCESS}),
    ),
    remedy=(
        "End the transaction before anything else is waited for (commit or close the session before a call "
        "to another service, and open another one afterwards). Set idle_in_transaction_session_timeout, so "
        "that PostgreSQL ends what is forgotten"
    ),
    look=look,
    explained_by=(
        *("stream-pins-session", "nested-checkout", "threadpool-deadlock", "threadpool-starved"),
        *("leak-on-error", "leak-feedback", "loop-blocked"),
    ),
)
