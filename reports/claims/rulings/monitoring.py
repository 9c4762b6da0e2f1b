"""Do the pool's gauges at a health endpoint tell exhaustion before users do?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from harness.records import GapReading, Measure, Outcome, PoolReading
from reports.claims.base import Figure, RulingVerdict
from reports.claims.evidence import Evidence, Measured, MissingEvidenceError
from reports.claims.rules import Found, rules_on
from reports.claims.trials import between, figure_over, percent, span_ns, spread_of, within
from reports.distribution import Distribution
from reports.histograms import count_up_to_ns
from reports.read import SeriesCell, Trial
from scenarios import exhaustion_30s
from scenarios.loads import SLOW_MS
from scenarios.monitoring import SCENARIO

EXPERIMENT, LONG = "monitoring", "exhaustion-30s"
FORMS = {
    "sync-pool": "a coroutine beside def endpoints",
    "async-pool": "a coroutine beside AsyncSession",
    "health-in-thread": "a def route",
    "health-with-session": "a route that asks the database",
    "async-def-sync": "a coroutine beside coroutines that block",
}
"""What stands at /health/db; the last is how the tutorial writes its endpoints."""
USUAL = "usual"
LOADS = {"rising": "load that rises", "burst": "burst"}
OVERDUE_NS = 2_000_000 * SLOW_MS
"""A request that takes twice as long as its connection is held is one that its user notices."""
FEWEST_NOTICED = 10
FEWEST_LONG = 3
FEWEST_ASKED = 2
"""Readings under a load, those included that did not come: a route that hardly anyone asked has told nothing."""
NS_PER_MS = 1e6


@dataclass(frozen=True, slots=True)
class _Load:
    """One load of one trial.

    `lead_ms` runs from the first reading that shows every connection out to the moment at which the first request
    is refused or overdue; None where no reading showed it until then.
    """

    noticed: int
    lead_ms: float | None
    answered: int
    asked: int
    silence_ms: float

    @property
    def told(self) -> bool:
        return self.lead_ms is not None


_Trials = Mapping[str, Sequence[_Load]]
"""The trials of one form, by load."""


@rules_on("monitoring")
def monitoring(evidence: Evidence) -> Found:
    """Supported where every form shows every connection out before a user notices, under each load in every trial,
    and with the timeout of 30 s where that was tried; refuted where one form never does under some load.
    """
    measured = evidence.of(EXPERIMENT)
    seen = {target: _of(measured, target) for target in measured.tried(FORMS)}
    if not seen:
        raise MissingEvidenceError(f"no health route of {', '.join(FORMS)} was measured")
    telling = [target for target, each in seen.items() if all(load.told for load in _all(each))]
    blind = [
        target for target, each in seen.items() if any(not any(load.told for load in each[name]) for name in LOADS)
    ]
    figures = tuple(figure for target, each in seen.items() for figure in _figures(each, FORMS[target]))
    leads = _long(evidence)
    mixed = [target for target in seen if target not in (*telling, *blind)]
    untried = [target for target in FORMS if target not in seen]
    parts = (
        _said_of_telling(telling, seen),
        _said_of_mixed(mixed),
        _said_of_blind(blind, seen),
        f"Not measured: {_named(untried)}." if untried else "",
    )
    said = " ".join(filter(None, parts))
    never = bool(leads) and all(lead is None for lead in leads)
    open_ = mixed or untried or None in leads
    verdict = RulingVerdict.INCONCLUSIVE if open_ else RulingVerdict.SUPPORTED
    if blind or never:
        verdict = RulingVerdict.REFUTED
    overflow = [share for target in telling for share in _usual_overflow(measured, target)]
    silences = "; ".join(
        f"{FORMS[target]}: {_ms([load.silence_ms for load in _all(each)])}" for target, each in seen.items()
    )
    long = f" With the timeout of 30 s that was {_ms(leads)} before the first refusal." if leads else ""
    condition = (
        f"In a burst it is shown no longer before than the pool lets a request wait.{long} Longest time without "
        f"an answer: {silences}."
    )
    if overflow:
        condition += (
            f" Overflow is no sign: under a load within the limit {between(overflow)} % of the readings had it."
        )
    figures += (spread_of("shown before the first refusal", leads, "ms", "timeout of 30 s"),) if leads else ()
    return Found(verdict, said, condition, figures)


def _said_of_telling(telling: Sequence[str], seen: Mapping[str, _Trials]) -> str:
    if not telling:
        return "No form showed every connection out before a request was refused or overdue in every trial."
    leads = {name: _ms([load.lead_ms for target in telling for load in seen[target][name]]) for name in LOADS}
    return (
        f"Every connection was shown to be out {leads['rising']} before the first request was refused or overdue "
        f"where the load rose, and {leads['burst']} in a burst: {_named(telling)}."
    )


def _said_of_mixed(mixed: Sequence[str]) -> str:
    return f"In some trials only: {_named(mixed)}." if mixed else ""


def _said_of_blind(blind: Sequence[str], seen: Mapping[str, _Trials]) -> str:
    each = [
        f"{FORMS[target]} ({between(_percent(_all(seen[target])))} % of the readings came)" for target in blind
    ]
    return f"Nothing was shown in time: {'; '.join(each)}." if each else ""


def _of(measured: Measured, target: str) -> _Trials:
    trials = measured.require_trials(SCENARIO.name, target)
    found = {name: [_load(trial, name, OVERDUE_NS) for trial in trials] for name in LOADS}
    if (fewest := min(load.noticed for load in _all(found))) < FEWEST_NOTICED:
        raise MissingEvidenceError(
            f"only {fewest} requests of {target} were refused or overdue, of {FEWEST_NOTICED} at least"
        )
    if (fewest := min(load.asked for load in _all(found))) < FEWEST_ASKED:
        raise MissingEvidenceError(
            f"the health route of {target} was asked {fewest} times under a load, of {FEWEST_ASKED} at least"
        )
    return found


def _load(trial: Trial, phase: str, overdue_ns: int) -> _Load:
    start_ns, end_ns = span_ns(trial, phase)
    noticed, noticed_ns = _noticed(trial, phase, overdue_ns)
    pool = [reading for reading in trial.readings_of(PoolReading) if reading.t_ns >= start_ns]
    if any(reading.limit is None for reading in pool):
        raise MissingEvidenceError(f"the pool of trial {trial.record.spec.id} has no limit to be told")
    shown_ns = next((reading.t_ns for reading in pool if _is_exhausted(reading)), noticed_ns)
    during = [reading.t_ns for reading in pool if reading.t_ns <= end_ns]
    missing = sum(start_ns <= gap.t_ns <= end_ns for gap in trial.readings_of(GapReading) if gap.of == "pool")
    moments_ns = (start_ns, *during, end_ns)
    silences_ns = (after - before for before, after in pairwise(moments_ns))
    return _Load(
        noticed=noticed,
        lead_ms=(noticed_ns - shown_ns) / NS_PER_MS if shown_ns < noticed_ns else None,
        answered=len(during),
        asked=len(during) + missing,
        silence_ms=max(silences_ns) / NS_PER_MS,
    )


def _is_exhausted(reading: PoolReading) -> bool:
    return reading.limit is not None and reading.checked_out >= reading.limit


def _noticed(trial: Trial, phase: str, overdue_ns: int) -> tuple[int, int]:
    """How many requests were refused, failed or overdue, and the earliest moment at which a user knew it.

    A cell tells in which interval its requests were due, not when in it: the moment is taken as early as may be.
    """
    count, first_ns = 0, None
    for cell in trial.cells:
        if (cell.key.measure, cell.key.phase) != (Measure.RESPONSE, phase):
            continue
        noticed, after_ns = _noticed_in(cell, overdue_ns)
        if noticed:
            count += noticed
            first_ns = min(cell.start_ns + after_ns, first_ns or cell.start_ns + after_ns)
    if first_ns is None:
        raise MissingEvidenceError(f"no request was refused or overdue in {phase} of {trial.record.spec.id}")
    return count, first_ns


def _noticed_in(cell: SeriesCell, overdue_ns: int) -> tuple[int, int]:
    """How many of a cell's requests were noticed, and how long after they were due the first of them was."""
    if cell.key.outcome in (Outcome.OK, Outcome.ABORTED):
        return cell.total - count_up_to_ns(cell.counters, overdue_ns), overdue_ns
    soonest_ms = Distribution([cell.counters]).quantiles_ms(0)[0] or 0.0
    return cell.total, min(overdue_ns, round(soonest_ms * NS_PER_MS))


def _usual_overflow(measured: Measured, target: str) -> list[int]:
    """Share of the readings in the usual load that show overflow, in whole percent; by trial."""
    found = []
    for trial in measured.require_trials(SCENARIO.name, target):
        readings = within(trial, USUAL, PoolReading)
        found.append(percent(sum(reading.overflow > 0 for reading in readings), len(readings)))
    return found


def _long(evidence: Evidence) -> list[float | None]:
    """The lead with the timeout of 30 s, by trial; nothing where that was not tried."""
    if LONG not in evidence.measured:
        return []
    never_ns = 2**62
    trials = evidence.of(LONG).require_trials(exhaustion_30s.SCENARIO.name, "sync-pool")
    loads = [_load(trial, "held", never_ns) for trial in trials]
    if min(load.noticed for load in loads) < FEWEST_LONG:
        raise MissingEvidenceError(f"fewer than {FEWEST_LONG} requests met the timeout of 30 s")
    return [load.lead_ms for load in loads]


def _all(trials: _Trials) -> list[_Load]:
    return [load for name in LOADS for load in trials[name]]


def _percent(loads: Sequence[_Load]) -> list[int]:
    return [percent(load.answered, load.asked) for load in loads]


def _named(targets: Sequence[str]) -> str:
    return "; ".join(FORMS[target] for target in targets)


def _ms(values: Sequence[float | None]) -> str:
    known = [round(value) for value in values if value is not None]
    return f"{between(known)} ms" if known else "in no trial"


def _figures(trials: _Trials, form: str) -> tuple[Figure, ...]:
    found: list[Figure] = []
    for name, load in LOADS.items():
        where, each = f"{load}; {form}", trials[name]
        leads = [one.lead_ms for one in each]
        found += [
            spread_of("shown before a user noticed", leads, "ms", where),
            figure_over("trials in which it was not", [sum(not one.told for one in each)], where=where),
            figure_over("requests refused or overdue", [one.noticed for one in each], where=where),
            figure_over("readings that came", _percent(each), "%", where),
            figure_over("longest time without a reading", [one.silence_ms for one in each], "ms", where),
        ]
    return tuple(found)
