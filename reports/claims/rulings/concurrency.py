"""How many requests are served at once by threads, by coroutines, and by coroutines that execute synchronously?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.records import DatabaseReading, GapReading, HostReading, Outcome, PoolReading
from reports.claims.base import Figure, RulingVerdict
from reports.claims.evidence import Evidence, Measured, MissingEvidenceError
from reports.claims.rules import Found, rules_on
from reports.claims.trials import between, count_of, figure_over, requests_of, spread_of, within
from reports.read import Trial
from scenarios.concurrency import FEW, MANY, SCENARIO

EXPERIMENT = "concurrency"
THREADS, MORE_THREADS, COROUTINES, SYNC_SESSION = "sync-pool", "sync-pool-threads", "async-pool", "async-def-sync"
NAMES = {
    THREADS: "def endpoints",
    MORE_THREADS: f"def endpoints, {MANY} threads",
    COROUTINES: "async def, AsyncSession",
    SYNC_SESSION: "async def, Session",
}
FEWEST_SERVED = 10
FEWEST_OF_SESSIONS, FEWEST_OF_THREADS = 5, 2
"""Readings of PostgreSQL's sessions, and of the service's threads, while many ask; fewer say little."""
MORE = 1.2
"""So many times as much is more, beyond noise."""
FEW_MORE_THREADS = 2.0


@dataclass(frozen=True, slots=True)
class _Many:
    """One trial while as many as `MANY` users ask."""

    served: int
    at_work: int
    out: int
    threads: int
    unanswered: int
    cpu_ms: float | None


@rules_on("async-more-concurrency")
def async_more_concurrency(evidence: Evidence) -> Found:
    """Both halves have to hold: more at once, and fewer threads."""
    measured = evidence.of(EXPERIMENT)
    threads, wider, coroutines = (_seen(measured, name) for name in (THREADS, MORE_THREADS, COROUTINES))
    for name, each in ((THREADS, threads), (MORE_THREADS, wider), (COROUTINES, coroutines)):
        _require_served(each, name)
        _require_at_work(each, name)
    figures = (*_figures(threads, THREADS), *_figures(wider, MORE_THREADS), *_figures(coroutines, COROUTINES))
    held = [_both_hold(one, other) for one in coroutines for other in threads]
    said = (
        f"Of {MANY} users {_at_work(coroutines)} had a statement in the database at once with AsyncSession, and "
        f"{_at_work(threads)} with def endpoints; the service had {_threads(coroutines)} against "
        f"{_threads(threads)} threads."
    )
    condition = (
        f"A pool of {MANY} and more, and AnyIO's usual 40 threads. With {MANY} threads def endpoints had "
        f"{_at_work(wider)} at once, too, in {_threads(wider)} threads: how many there are is a setting."
    )
    return Found(_verdict(held), said, condition, figures)


@rules_on("async-def-sync-session")
def async_def_sync_session(evidence: Evidence) -> Found:
    """Refuted where such endpoints never had two statements at once, though so many users asked."""
    measured = evidence.of(EXPERIMENT)
    threads, session = _seen(measured, THREADS), _seen(measured, SYNC_SESSION)
    _require_served(threads, THREADS)
    _require_at_work(session, SYNC_SESSION)
    if several := [one for one in session if one.at_work > 1]:
        _require_served(several, SYNC_SESSION)
    figures = (*_figures(session, SYNC_SESSION), *_figures(threads, THREADS))
    said = (
        f"With {MANY} users at most {_at_work(session)} had a statement in the database at once, and "
        f"{_served(session)} requests were served; with def endpoints {_at_work(threads)} at once, and "
        f"{_served(threads)} were."
    )
    condition = (
        "One statement runs after the other, and while it does nothing else is answered: "
        f"{_unanswered(session)} readings of /health/db were missing, {_unanswered(threads)} with def endpoints."
    )
    return Found(_verdict([one.at_work > 1 for one in session]), said, condition, figures)


def _verdict(held: Sequence[bool]) -> RulingVerdict:
    """What holds in some repetitions and not in others is not settled."""
    if all(held):
        return RulingVerdict.SUPPORTED
    return RulingVerdict.INCONCLUSIVE if any(held) else RulingVerdict.REFUTED


def _require_served(seen: Sequence[_Many], name: str) -> None:
    if min(one.served for one in seen) < FEWEST_SERVED:
        raise MissingEvidenceError(f"fewer than {FEWEST_SERVED} requests were served by {NAMES[name]}")


def _require_at_work(seen: Sequence[_Many], name: str) -> None:
    if not all(one.at_work for one in seen):
        raise MissingEvidenceError(f"no statement of {NAMES[name]} was seen in the database")


def _both_hold(coroutines: _Many, threads: _Many) -> bool:
    """More at once, and fewer threads."""
    more = coroutines.at_work >= MORE * threads.at_work
    return more and threads.threads >= FEW_MORE_THREADS * coroutines.threads


def _seen(measured: Measured, target: str) -> Sequence[_Many]:
    return [_many(trial) for trial in measured.require_trials(SCENARIO.name, target)]


def _many(trial: Trial) -> _Many:
    """Statements at once by PostgreSQL's account: connections may be out that nobody uses at the moment."""
    hosts = within(trial, "many", HostReading)
    threads = [reading.app_threads for reading in hosts if reading.app_threads]
    if len(threads) < FEWEST_OF_THREADS:
        raise MissingEvidenceError(f"the service's threads were not read in trial {trial.record.spec.id}")
    sessions, requests = within(trial, "many", DatabaseReading, FEWEST_OF_SESSIONS), requests_of(trial)
    answered = count_of(requests, lambda ended: ended.outcome == Outcome.OK)
    spent_s = trial.record.cpu_s.get("app")
    return _Many(
        served=count_of(requests, lambda ended: (ended.phase, ended.outcome) == ("many", Outcome.OK)),
        at_work=max(reading.active for reading in sessions),
        out=max((reading.checked_out_max for reading in trial.readings_of(PoolReading)), default=0),
        threads=max(threads),
        unanswered=sum(reading.of == "pool" for reading in trial.readings_of(GapReading)),
        cpu_ms=1000 * spent_s / answered if spent_s is not None and answered else None,
    )


def _at_work(seen: Sequence[_Many]) -> str:
    return between([one.at_work for one in seen])


def _unanswered(seen: Sequence[_Many]) -> str:
    return between([one.unanswered for one in seen])


def _threads(seen: Sequence[_Many]) -> str:
    return between([one.threads for one in seen])


def _served(seen: Sequence[_Many]) -> str:
    return between([one.served for one in seen])


def _figures(seen: Sequence[_Many], name: str) -> tuple[Figure, ...]:
    where = f"{FEW}, then {MANY} users, {NAMES[name]}"
    return (
        figure_over("statements in the database at once", [one.at_work for one in seen], where=where),
        figure_over("connections out, as far as the service told", [one.out for one in seen], where=where),
        figure_over(f"requests of {MANY} users served", [one.served for one in seen], where=where),
        figure_over("threads of the service", [one.threads for one in seen], where=where),
        figure_over("readings of /health/db missing", [one.unanswered for one in seen], where=where),
        spread_of(
            "processor time of the service for each request served", [one.cpu_ms for one in seen], "ms", where
        ),
    )
