"""Does opening pool_size connections at the start spare the first requests the cost of connecting?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.records import MarkKind, Measure, Outcome, PoolReading
from reports.claims.base import Figure, RulingVerdict
from reports.claims.evidence import Evidence, Measured, MissingEvidenceError
from reports.claims.rules import Found, rules_on
from reports.claims.trials import between, figure_over, pool_at_end, pool_before, within
from reports.distribution import Distribution
from reports.read import Trial
from scenarios.first_requests import BEYOND_USERS, FIRST_USERS, SCENARIO
from scenarios.tasks import HOLD_MS

EXPERIMENT = "prewarm"
COLD, SINGLE, WARM = "cold-start", "single-select", "prewarmed"
NAMES = {COLD: "cold start", SINGLE: "one SELECT 1 at the start", WARM: "pool_size connections at the start"}
FIRST, BEYOND = "first", "beyond"
FIRST_ROUND_NS = 800_000 * HOLD_MS
"""Within this time the first request of each user is sent, and no second one: the first holds for longer."""


@dataclass(frozen=True, slots=True)
class _Start:
    """One start: connections there before the first request, opened by the first ones, and by those beyond."""

    before: int
    first: int
    beyond: int
    first_ms: float
    connecting_ms: float
    starting_ms: float


@rules_on("prewarm")
def prewarm(evidence: Evidence) -> Found:
    """Counts decide: how many connections the first requests had to open, cold and warmed."""
    measured = evidence.of(EXPERIMENT)
    starts = {target: _starts(measured, target) for target in NAMES}
    figures = tuple(figure for target, each in starts.items() for figure in _figures(each, NAMES[target]))
    cold, warm = starts[COLD], starts[WARM]
    if any(one.first < FIRST_USERS for one in cold):
        said = (
            f"After a cold start {FIRST_USERS} requests at once opened {between([one.first for one in cold])} "
            "connections, so that there was little to spare."
        )
        return Found(RulingVerdict.INCONCLUSIVE, said, figures=figures)
    if any(one.before < FIRST_USERS for one in warm):
        said = (
            f"The start that was to warm the pool opened {between([one.before for one in warm])} connections for "
            f"{FIRST_USERS} first requests, so that it was not tried."
        )
        return Found(RulingVerdict.INCONCLUSIVE, said, figures=figures)
    if not all(one.connecting_ms for one in cold):
        raise MissingEvidenceError("no first request after a cold start told what connecting cost it")
    opened = {target: between([one.first for one in each]) for target, each in starts.items()}
    said = (
        f"Of {FIRST_USERS} first requests at once {opened[WARM]} had to connect; after a cold start "
        f"{opened[COLD]}, after one SELECT 1 {opened[SINGLE]}."
    )
    more = between([one.beyond for one in warm])
    spent = {target: between([round(one.connecting_ms) for one in each]) for target, each in starts.items()}
    condition = (
        f"Each of them spent {spent[COLD]} ms on connecting after a cold start, {spent[WARM]} ms after warming. "
        "It spares as many connects as there are places in the pool: the requests after them, with "
        f"{BEYOND_USERS} at once, opened {more} more, as overflow is closed when it comes back."
    )
    if not any(one.first for one in warm):
        return Found(RulingVerdict.SUPPORTED, said, condition, figures)
    none_spared = all(one.first >= FIRST_USERS for one in warm)
    return Found(RulingVerdict.REFUTED if none_spared else RulingVerdict.INCONCLUSIVE, said, condition, figures)


def _starts(measured: Measured, target: str) -> Sequence[_Start]:
    return [_start(trial) for trial in measured.require_trials(SCENARIO.name, target)]


def _start(trial: Trial) -> _Start:
    began_ns = _began_ns(trial)
    first = [reading for reading in within(trial, FIRST, PoolReading) if reading.t_ns < began_ns + FIRST_ROUND_NS]
    if not first:
        raise MissingEvidenceError(
            f"the pool was not read among the first requests of trial {trial.record.spec.id}"
        )
    before, after, end = pool_before(trial, FIRST), first[-1], pool_at_end(trial)
    if not before.opened_total <= after.opened_total <= end.opened_total:
        raise MissingEvidenceError(f"the count of opened connections went back in trial {trial.record.spec.id}")
    if after.checked_out < FIRST_USERS:
        raise MissingEvidenceError(
            f"{after.checked_out} of {FIRST_USERS} first requests had their connection when the pool was last "
            f"read among them in trial {trial.record.spec.id}"
        )
    return _Start(
        before=before.opened_total,
        first=after.opened_total - before.opened_total,
        beyond=end.opened_total - after.opened_total,
        first_ms=_first_round_ms(trial, began_ns),
        connecting_ms=_connecting_ms(trial),
        starting_ms=1000 * trial.record.starting_s.get("target", 0.0),
    )


def _began_ns(trial: Trial) -> int:
    for mark in trial.marks:
        if (mark.kind, mark.phase) == (MarkKind.PHASE_START, FIRST):
            return mark.t_ns
    raise MissingEvidenceError(f"no mark tells when {FIRST} began in trial {trial.record.spec.id}")


def _first_round_ms(trial: Trial, began_ns: int) -> float:
    """Median response time of the first request of each user."""
    found = Distribution()
    for cell in trial.cells:
        is_success = (cell.key.measure, cell.key.outcome, cell.key.phase) == (Measure.RESPONSE, Outcome.OK, FIRST)
        if is_success and cell.start_ns < began_ns + FIRST_ROUND_NS:
            found.add(cell.counters, cell.total)
    if found.total < FIRST_USERS:
        raise MissingEvidenceError(
            f"only {found.total} first requests in trial {trial.record.spec.id}, of {FIRST_USERS}"
        )
    return found.quantiles_ms(500)[0] or 0.0


def _connecting_ms(trial: Trial) -> float:
    """What each first request spent on connecting, on average: later ones of that phase find what these opened."""
    found = Distribution()
    for cell in trial.cells:
        if (cell.key.measure, cell.key.phase) == (Measure.CONNECT, FIRST):
            found.add(cell.counters, cell.total)
    return (found.mean_ms() or 0.0) * found.total / FIRST_USERS


def _figures(starts: Sequence[_Start], where: str) -> tuple[Figure, ...]:
    return (
        figure_over("connections before the first request", [one.before for one in starts], where=where),
        figure_over(f"opened by {FIRST_USERS} first requests at once", [one.first for one in starts], where=where),
        figure_over(f"opened by {BEYOND_USERS} at once", [one.beyond for one in starts], where=where),
        figure_over("first request of each, median", [one.first_ms for one in starts], "ms", where),
        figure_over("spent on connecting by each, mean", [one.connecting_ms for one in starts], "ms", where),
        figure_over("start of the service", [one.starting_ms for one in starts], "ms", where),
    )
