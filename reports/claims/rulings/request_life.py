"""What the parts of a request's life cost, by the distance of the database and the login."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from harness.records import TrialState
from reports.analysis.crossings import ClaimAlongLadder, Claimed, Crossing, Rung, Standing, along_ladder
from reports.analysis.request_life import LifeLadder, LifePart, life_of_requests
from reports.claims.base import Figure, RulingVerdict, Turn
from reports.claims.evidence import Evidence, Measured, MissingEvidenceError
from reports.claims.rules import Found, rules_on
from scenarios.request_life import LADDER_MS

EXPERIMENT = SCENARIO = "request-life"
AXIS = "latency between service and database"


@dataclass(frozen=True, slots=True)
class _Stated:
    """A part of a statement: what was measured, by which name, and the range that is claimed for it."""

    part: LifePart
    name: str
    claimed: Claimed
    unit: str = "ms"


@dataclass(frozen=True, slots=True)
class _Held:
    """A part of a statement against the ladder of one login."""

    stated: _Stated
    login: str
    seen: ClaimAlongLadder


_ACQUIRE = _Stated(LifePart.ACQUIRE, "taking a connection from the pool", Claimed(1, 5))
_QUERY = _Stated(LifePart.QUERY, "a query by primary key", Claimed(5, 20))
_RELEASE = _Stated(LifePart.RELEASE, "giving a connection back to the pool", Claimed(high=1))
_CONNECT = _Stated(LifePart.CONNECT, "opening a connection", Claimed(65, 160))
_CLOSE = _Stated(LifePart.CLOSE, "ending a connection, its rollback included", Claimed(5, 10))
_SPEEDUP = _Stated(LifePart.SPEEDUP, "response time without a pool over that with it", Claimed(10, 30), "times")


@rules_on("lifecycle-acquire")
def lifecycle_acquire(evidence: Evidence) -> Found:
    """Pre-ping included, as the tutorial configures its pool."""
    return _rule(evidence, _ACQUIRE)


@rules_on("lifecycle-query")
def lifecycle_query(evidence: Evidence) -> Found:
    """The statement alone, with the BEGIN that the driver sends before it."""
    return _rule(evidence, _QUERY)


@rules_on("lifecycle-release")
def lifecycle_release(evidence: Evidence) -> Found:
    """With the rollback that ends a session: nobody has a connection back before it."""
    return _rule(evidence, _RELEASE)


@rules_on("connect-cost")
def connect_cost(evidence: Evidence) -> Found:
    """Both parts have to hold."""
    return _rule(evidence, _CONNECT, _CLOSE)


@rules_on("pool-speedup")
def pool_speedup(evidence: Evidence) -> Found:
    """Of whole requests, one at a time."""
    return _rule(evidence, _SPEEDUP)


def _rule(evidence: Evidence, *stated: _Stated) -> Found:
    """The statements name no distance and no login, so one place where they do not hold refutes them; where they
    do is said beside it.
    """
    measured = evidence.of(EXPERIMENT)
    _require_trials(measured)
    ladders = _ladders(measured)
    held = tuple(
        _Held(one, ladder.login, along_ladder(ladder.rungs, one.claimed))
        for one in stated
        for ladder in ladders
        if ladder.part is one.part
    )
    if missing := [one.name for one in stated if not any(each.stated is one for each in held)]:
        raise MissingEvidenceError(f"{missing[0]} was not measured{_why_not(measured, _asked(measured))}")
    return Found(
        verdict=_verdict(held),
        said=" ".join(_sentence(one, [each for each in held if each.stated is one]) for one in stated),
        condition=_condition(measured, held),
        figures=tuple(_figure(each, rung) for each in held for rung in each.seen.rungs),
        turns=_turns(held),
    )


def _require_trials(measured: Measured) -> None:
    """Of each login that could be had. Raises MissingEvidenceError where too few trials of one can be used: it is
    left out only where all of its trials failed, as they do where a server does not know it.
    """
    for name in _asked(measured):
        lines = measured.lines(SCENARIO, name)
        if not lines or any(line.state != TrialState.FAILED for line in lines):
            measured.require_trials(SCENARIO, name)


def _ladders(measured: Measured) -> Sequence[LifeLadder]:
    results = [result for result in measured.summary.scenarios if result.name == SCENARIO]
    return life_of_requests(results[0], _asked(measured)) if results else ()


def _asked(measured: Measured) -> dict[str, str]:
    """Subject -> the login that it was to use."""
    return {info.name: info.login for info in measured.run.manifest.targets if info.login is not None}


def _verdict(held: Sequence[_Held]) -> RulingVerdict:
    """Supported only on whole ladders: a rung that was not measured is one on which nothing is known."""
    standings = [standing for each in held for standing in each.seen.standings]
    if Standing.FAILS in standings:
        return RulingVerdict.REFUTED
    whole = all(len(each.seen.rungs) == len(LADDER_MS) for each in held)
    return RulingVerdict.SUPPORTED if whole and Standing.UNDECIDED not in standings else RulingVerdict.INCONCLUSIVE


def _sentence(stated: _Stated, held: Sequence[_Held]) -> str:
    """From the nearest rung to the farthest, over all logins, and on how many of the rungs it held."""
    near, far = [each.seen.rungs[0] for each in held], [each.seen.rungs[-1] for each in held]
    standings = [standing for each in held for standing in each.seen.standings]
    name = stated.name[0].upper() + stated.name[1:]
    return (
        f"{name}: {_between(near, stated.unit)} at {near[0].x:g} ms of latency, {_between(far, stated.unit)} at "
        f"{far[0].x:g} ms; within what is stated on {standings.count(Standing.HOLDS)} of {len(standings)} rungs."
    )


def _between(rungs: Sequence[Rung], unit: str) -> str:
    low, high = (f"{end:.2g}" if end < 10 else f"{end:.0f}" for end in _ends([rung.value for rung in rungs]))
    return f"{low} {unit}" if low == high else f"{low} to {high} {unit}"


def _ends(values: Sequence[float]) -> tuple[float, float]:
    return min(values), max(values)


def _condition(measured: Measured, held: Sequence[_Held]) -> str:
    """Under what it was measured, and which logins could not be."""
    logins = ", ".join(dict.fromkeys(each.login for each in held))
    said = f"One request at a time, {min(LADDER_MS)} to {max(LADDER_MS)} ms of latency, login by {logins}."
    missing = [name for name in _asked(measured) if not measured.trials(SCENARIO, name)]
    return f"{said} Left out: {', '.join(missing)}{_why_not(measured, missing)}." if missing else said


def _why_not(measured: Measured, targets: Collection[str]) -> str:
    reasons = sorted(
        {
            line.reason
            for result in measured.summary.scenarios
            for target in result.targets
            for line in target.trials
            if line.reason and target.target in targets
        }
    )
    return f"; {reasons[0]}" if reasons else ""


def _figure(held: _Held, rung: Rung) -> Figure:
    return Figure(
        name=held.stated.name,
        value=rung.value,
        unit=held.stated.unit,
        low=rung.low,
        high=rung.high,
        where=f"{rung.x:g} ms of latency, {held.login}",
    )


def _turns(held: Sequence[_Held]) -> tuple[Turn, ...]:
    """Where each part turns: once where all logins agree, else for each."""
    names = dict.fromkeys(each.stated.name for each in held)
    found: list[Turn] = []
    for name in names:
        by_crossings: dict[tuple[Crossing, ...], list[str]] = {}
        for each in held:
            if each.stated.name == name:
                by_crossings.setdefault(each.seen.crossings, []).append(each.login)
        for crossings, logins in by_crossings.items():
            marks = [name] if len(names) > 1 else []
            marks += [", ".join(logins)] if len(by_crossings) > 1 else []
            of = f"{AXIS} ({'; '.join(marks)})" if marks else AXIS
            found += [Turn(of=of, low=each.low, high=each.high, unit="ms", holds=each.holds) for each in crossings]
    return tuple(found)
