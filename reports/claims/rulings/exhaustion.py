"""What does a request get that finds all connections in use, and after how long?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.records import Measure, Outcome
from reports.claims.base import Figure, RulingVerdict, Turn
from reports.claims.evidence import Evidence, Measured, MissingEvidenceError
from reports.claims.rules import Found, rules_on
from reports.claims.trials import between, figure_over, pool_at_end, spread_of
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
EARLY, LATE = 0.95, 1.5
"""A wait within these shares of the timeout is one that the timeout ended."""


@dataclass(frozen=True, slots=True)
class _Step:
    """Requests refused at one step of one trial: how long each had asked the pool, and waited in all; medians."""

    refused: int
    asked_ms: float | None
    waited_ms: float | None


@rules_on("exhaustion-error")
def exhaustion_error(evidence: Evidence) -> Found:
    """Supported where requests beyond the last connection, and none before, are refused once the pool's timeout is
    over, by its own error; also with the timeout of 30 s, where that was tried.
    """
    measured = evidence.of(EXPERIMENT)
    refusals = {target: _refused(measured, exhaustion.SCENARIO.name, target) for target in measured.tried(NAMES)}
    ladders = {target: [_ladder(refused) for _, refused in each] for target, each in refusals.items()}
    timeout_ms = 1000 * float(exhaustion.SCENARIO.pool["pool_timeout_s"])
    refused_at = {users: [ladder[users] for ladder in ladders[SYNC]] for users in exhaustion.STEPS}
    early = [step.refused for users in exhaustion.STEPS if users <= LIMIT for step in refused_at[users]]
    figures = tuple(figure for target, each in ladders.items() for figure in _figures(each, NAMES[target]))
    by_timeout = [_by_timeout(trial, refused) for each in refusals.values() for trial, refused in each]
    long, long_figures = _long(evidence)
    at_once = refused_at[NEXT]
    if any(early):
        said = f"Requests were refused when connections were left ({between(early)} up to {LIMIT} at once)."
        return Found(RulingVerdict.REFUTED, said, figures=(*figures, *long_figures))
    if (fewest := min(step.refused for step in at_once)) < FEWEST_REFUSED:
        raise MissingEvidenceError(f"only {fewest} requests were refused at {NEXT} at once, of {FEWEST_REFUSED}")
    held = all(_in_time(step.asked_ms, timeout_ms) and _in_time(step.waited_ms, timeout_ms) for step in at_once)
    refused, waited = between([step.refused for step in at_once]), _ms([step.waited_ms for step in at_once])
    said = (
        f"Up to {LIMIT} requests at once none was refused; at {NEXT}, {refused} were, {waited} after they were "
        f"sent, with a timeout of {timeout_ms:g} ms.{long} Of all refusals {between(by_timeout)} % were the "
        "pool's own error."
    )
    verdict = RulingVerdict.SUPPORTED if held and min(by_timeout) == 100 else RulingVerdict.REFUTED
    condition, turns = _where(refused_at, timeout_ms)
    return Found(verdict, said, condition, (*figures, *long_figures), turns)


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


_Refused = Mapping[tuple[str, Measure], Distribution]
"""Times of the refused, by phase and by what was timed."""


def _refused(measured: Measured, scenario: str, target: str) -> Sequence[tuple[Trial, _Refused]]:
    return [(trial, _refused_in(trial)) for trial in measured.require_trials(scenario, target)]


def _refused_in(trial: Trial) -> _Refused:
    """Gone through once, as the cells are decoded each time."""
    found: defaultdict[tuple[str, Measure], Distribution] = defaultdict(Distribution)
    for cell in trial.cells:
        if cell.key.outcome is Outcome.REFUSED:
            found[cell.key.phase, cell.key.measure].add(cell.counters, cell.total)
    return found


def _ladder(refused: _Refused) -> dict[int, _Step]:
    return {users: _step(refused, f"users-{users}") for users in exhaustion.STEPS}


def _step(refused: _Refused, phase: str) -> _Step:
    asked, waited = (refused.get((phase, of), Distribution()) for of in (Measure.ACQUIRE, Measure.RESPONSE))
    return _Step(waited.total, asked.quantiles_ms(500)[0], waited.quantiles_ms(500)[0])


def _by_timeout(trial: Trial, refused: _Refused) -> int:
    """Share of the refusals that the pool itself counted as timed out, in whole percent."""
    total = sum(found.total for (_, measure), found in refused.items() if measure is Measure.RESPONSE)
    return round(100 * pool_at_end(trial).timed_out_total / total) if total else 0


def _in_time(waited_ms: float | None, timeout_ms: float) -> bool:
    return waited_ms is not None and EARLY * timeout_ms <= waited_ms <= LATE * timeout_ms


def _late(steps: Sequence[_Step], timeout_ms: float) -> bool:
    return all(step.waited_ms is not None and step.waited_ms > LATE * timeout_ms for step in steps)


def _long(evidence: Evidence) -> tuple[str, tuple[Figure, ...]]:
    """What became of those that met the timeout of 30 s; nothing where that was not tried."""
    if LONG not in evidence.measured:
        return "", ()
    refusals = _refused(evidence.of(LONG), exhaustion_30s.SCENARIO.name, SYNC)
    steps = [_step(refused, "held") for _, refused in refusals]
    if min(step.refused for step in steps) < FEWEST_LONG:
        raise MissingEvidenceError(f"fewer than {FEWEST_LONG} requests met the timeout of 30 s")
    waited = [step.waited_ms for step in steps]
    said = f" With the timeout of 30 s it was {_ms(waited)}."
    return said, (spread_of("refused after, median", waited, "ms", "timeout of 30 s"),)


def _figures(ladders: Sequence[dict[int, _Step]], where: str) -> tuple[Figure, ...]:
    found: list[Figure] = []
    for users in exhaustion.STEPS:
        steps = [ladder[users] for ladder in ladders]
        at = f"{users} at once, {where}"
        found.append(figure_over("refused", [step.refused for step in steps], where=at))
        if all(step.refused for step in steps):
            found.append(spread_of("refused after, median", [step.waited_ms for step in steps], "ms", at))
            found.append(spread_of("asked the pool for, median", [step.asked_ms for step in steps], "ms", at))
    return tuple(found)


def _ms(values: Sequence[float | None]) -> str:
    return f"{between([round(value) for value in values if value is not None])} ms"
