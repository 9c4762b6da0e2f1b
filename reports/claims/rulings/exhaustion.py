"""What does a request get that finds all connections in use, and after how long?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.records import Measure, Outcome
from reports.claims.base import Figure, RulingVerdict, Turn
from reports.claims.evidence import Evidence, Measured, MissingEvidenceError
from reports.claims.rules import Found, rules_on
from reports.claims.trials import between, figure_over, percent, pool_at_end, spread_of
from reports.distribution import Distribution
from reports.read import Trial
from scenarios import exhaustion, exhaustion_30s

EXPERIMENT, LONG = "exhaustion", "exhaustion-30s"
SYNC, ASYNC = "sync-pool", "async-pool"
NAMES = {SYNC: "def endpoints in 40 threads", ASYNC: "coroutines"}
LIMIT = 30
"""Connections that 10+20 allow."""
NEXT = 40
"""Users of the step that first asks for more; no more than there are threads."""
FEWEST_REFUSED = 10
FEWEST_LONG = 3
HELD, LONG_MS = "held", 30_000.0
"""The phase in which the timeout of 30 s is met."""
EARLY, LATE = 0.95, 1.5
"""A wait within these shares of the timeout is one that the timeout ended."""


@dataclass(frozen=True, slots=True)
class _Step:
    """Requests refused at one step of one trial: how long each had asked the pool, and waited in all, as medians;
    and the least of either.
    """

    refused: int
    soonest_ms: float | None
    asked_ms: float | None
    waited_ms: float | None


_Refused = Mapping[tuple[str, Measure], Distribution]
"""Times of the refused, by phase and by what was timed."""
_Trials = Sequence[tuple[Trial, _Refused]]
_Ladder = Mapping[int, Sequence[_Step]]
"""By users at once, a step for each trial."""


@rules_on("exhaustion-error")
def exhaustion_error(evidence: Evidence) -> Found:
    """Supported where requests beyond the last connection, and none before, are refused once the pool's timeout is
    over, by its own error; in threads and in coroutines, and also with the timeout of 30 s, as far as those were
    tried.
    """
    measured = evidence.of(EXPERIMENT)
    tried = dict.fromkeys((SYNC, *measured.tried(NAMES)))
    refusals = {target: _refused(measured, exhaustion.SCENARIO.name, target) for target in tried}
    ladders = {target: _by_step([refused for _, refused in each]) for target, each in refusals.items()}
    timeout_ms = 1000 * float(exhaustion.SCENARIO.pool["pool_timeout_s"])
    long = _long(evidence)
    figures = tuple(figure for target, each in ladders.items() for figure in _figures(each, NAMES[target]))
    figures += _long_figures(long)
    _require_sized(refusals)
    for target, each in ladders.items():
        if any(early := [step.refused for users in each if users <= LIMIT for step in each[users]]):
            said = (
                f"Requests were refused when connections were left ({between(early)} up to {LIMIT} at once, "
                f"{NAMES[target]})."
            )
            return Found(RulingVerdict.REFUTED, said, figures=figures)
    for target, trials in refusals.items():
        _require_exhausted(target, [trial for trial, _ in trials], ladders[target][NEXT])
    faults = [fault for target, each in ladders.items() for fault in _faults(each, NAMES[target], timeout_ms)]
    faults += _long_faults(long)
    own = [_by_timeout(trial, refused) for each in (*refusals.values(), long) for trial, refused in each]
    said = _said(ladders, long, timeout_ms, own) + "".join(f" {fault}" for fault in faults)
    verdict = RulingVerdict.REFUTED if faults or min(own) < 100 else RulingVerdict.SUPPORTED
    condition, turns = _where(ladders[SYNC], timeout_ms)
    return Found(verdict, said, condition, figures, turns)


def _said(ladders: Mapping[str, _Ladder], long: _Trials, timeout_ms: float, own: Sequence[int]) -> str:
    refused = {target: between([step.refused for step in each[NEXT]]) for target, each in ladders.items()}
    waited = {target: _ms([step.waited_ms for step in each[NEXT]]) for target, each in ladders.items()}
    said = (
        f"Up to {LIMIT} requests at once none was refused; at {NEXT}, {refused[SYNC]} were, {waited[SYNC]} after "
        f"they were sent, with a timeout of {timeout_ms:g} ms."
    )
    said += f" Of coroutines {refused[ASYNC]} were, after {waited[ASYNC]}." if ASYNC in ladders else ""
    if long:
        said += f" With the timeout of 30 s it was {_ms([_step(each, HELD).waited_ms for _, each in long])}."
    return f"{said} Of all refusals {between(own)} % were the pool's own error."


def _require_sized(refusals: Mapping[str, _Trials]) -> None:
    """Raises MissingEvidenceError where a pool was another one than 10+20."""
    for target, trials in refusals.items():
        if sizes := {pool_at_end(trial).limit for trial, _ in trials} - {LIMIT}:
            raise MissingEvidenceError(f"the pool of {target} allowed {sizes.pop()} connections, not {LIMIT}")


def _require_exhausted(target: str, trials: Sequence[Trial], at_next: Sequence[_Step]) -> None:
    """Raises MissingEvidenceError where the connections were never all out, or hardly anyone met that."""
    if (most := min(pool_at_end(trial).checked_out_max for trial in trials)) < LIMIT:
        raise MissingEvidenceError(f"{target} had {most} connections out at most, of {LIMIT}")
    if (fewest := min(step.refused for step in at_next)) < FEWEST_REFUSED:
        raise MissingEvidenceError(
            f"only {fewest} requests were refused at {NEXT} at once, of {FEWEST_REFUSED} ({target})"
        )


def _faults(ladder: _Ladder, name: str, timeout_ms: float) -> list[str]:
    """Where requests were not refused when they should have been, in words: at no step too soon, and as soon as
    the pool is exhausted no later either.
    """
    found = []
    for users, steps in ladder.items():
        known = [step.soonest_ms for step in steps if step.soonest_ms is not None]
        if users > LIMIT and known and min(known) < EARLY * timeout_ms:
            found.append(f"Too soon: {_ms([min(known)])} at {users} at once, {name}.")
    waits = [(step.asked_ms, step.waited_ms) for step in ladder[NEXT]]
    if not all(
        _in_time(asked_ms, timeout_ms) and _in_time(waited_ms, timeout_ms) for asked_ms, waited_ms in waits
    ):
        asked, waited = _ms([asked_ms for asked_ms, _ in waits]), _ms([waited_ms for _, waited_ms in waits])
        found.append(
            f"At {NEXT} at once, {name}, it was not once the timeout was over: after {waited}, the pool having "
            f"been asked for {asked}."
        )
    return found


def _where(refused_at: Mapping[int, Sequence[_Step]], timeout_ms: float) -> tuple[str, tuple[Turn, ...]]:
    """Up to how many at once it holds, and what comes in between beyond."""
    condition = f"Up to {NEXT} requests at once, where endpoints are def and run in 40 threads."
    later = [users for users in refused_at if users > NEXT and _late(refused_at[users], timeout_ms)]
    if not later:
        return condition, ()
    most = max(refused_at)
    condition += (
        f" With more, a request waits for a thread before it asks for a connection: at {most} at once it was "
        f"refused after {_ms([step.waited_ms for step in refused_at[most]])}."
    )
    before = max(users for users in refused_at if users < later[0])
    return condition, (Turn(of="requests at once, def endpoints", low=before, high=later[0], holds="below"),)


def _refused(measured: Measured, scenario: str, target: str) -> _Trials:
    return [(trial, _refused_in(trial)) for trial in measured.require_trials(scenario, target)]


def _refused_in(trial: Trial) -> _Refused:
    """Gone through once, as the cells are decoded each time."""
    found: defaultdict[tuple[str, Measure], Distribution] = defaultdict(Distribution)
    for cell in trial.cells:
        if cell.key.outcome is Outcome.REFUSED:
            found[cell.key.phase, cell.key.measure].add(cell.counters, cell.total)
    return found


def _by_step(trials: Sequence[_Refused]) -> _Ladder:
    return {users: [_step(refused, f"users-{users}") for refused in trials] for users in exhaustion.STEPS}


def _step(refused: _Refused, phase: str) -> _Step:
    asked, waited = (refused.get((phase, of), Distribution()) for of in (Measure.ACQUIRE, Measure.RESPONSE))
    soonest = [
        found_ms for found_ms in (asked.quantiles_ms(0)[0], waited.quantiles_ms(0)[0]) if found_ms is not None
    ]
    return _Step(waited.total, min(soonest, default=None), asked.quantiles_ms(500)[0], waited.quantiles_ms(500)[0])


def _by_timeout(trial: Trial, refused: _Refused) -> int:
    """Share of the refusals that the pool itself counted as timed out, in whole percent."""
    total = sum(found.total for (_, measure), found in refused.items() if measure is Measure.RESPONSE)
    return percent(pool_at_end(trial).timed_out_total, total)


def _in_time(waited_ms: float | None, timeout_ms: float) -> bool:
    return waited_ms is not None and EARLY * timeout_ms <= waited_ms <= LATE * timeout_ms


def _late(steps: Sequence[_Step], timeout_ms: float) -> bool:
    return all(step.waited_ms is not None and step.waited_ms > LATE * timeout_ms for step in steps)


def _long(evidence: Evidence) -> _Trials:
    """The trials that met the timeout of 30 s; none where that was not tried."""
    if LONG not in evidence.measured:
        return ()
    refusals = _refused(evidence.of(LONG), exhaustion_30s.SCENARIO.name, SYNC)
    if min(_step(refused, HELD).refused for _, refused in refusals) < FEWEST_LONG:
        raise MissingEvidenceError(f"fewer than {FEWEST_LONG} requests met the timeout of 30 s")
    return refusals


def _long_faults(long: _Trials) -> list[str]:
    steps = [_step(refused, HELD) for _, refused in long]
    soonest_ms = [step.soonest_ms for step in steps if step.soonest_ms is not None]
    if (
        all(_in_time(step.waited_ms, LONG_MS) for step in steps)
        and min(soonest_ms, default=LONG_MS) >= EARLY * LONG_MS
    ):
        return []
    return [f"With the timeout of 30 s the first was refused after {_ms([min(soonest_ms)])}."]


def _long_figures(long: _Trials) -> tuple[Figure, ...]:
    waited = [_step(refused, HELD).waited_ms for _, refused in long]
    return (spread_of("refused after, median", waited, "ms", "timeout of 30 s"),) if long else ()


def _figures(ladder: _Ladder, where: str) -> tuple[Figure, ...]:
    found: list[Figure] = []
    for users, steps in ladder.items():
        at = f"{users} at once, {where}"
        found.append(figure_over("refused", [step.refused for step in steps], where=at))
        if all(step.refused for step in steps):
            found.append(spread_of("refused after, median", [step.waited_ms for step in steps], "ms", at))
            found.append(spread_of("asked the pool for, median", [step.asked_ms for step in steps], "ms", at))
    return tuple(found)


def _ms(values: Sequence[float | None]) -> str:
    known = [round(value) for value in values if value is not None]
    return f"{between(known)} ms" if known else "an unknown time"
