"""One trial as it is judged: usable or lost, its phases with what they cost, and what must never be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from harness.records import TrialSpec, TrialState, reading_every_s
from reports.analysis.checks import Evidence, evaluate
from reports.analysis.counts import counts
from reports.analysis.exhaustion import exhaustion
from reports.analysis.folding import ALL, Observed, PhaseFold, observe
from reports.analysis.oracles import oracle_results
from reports.analysis.validity import Doubt, doubts
from reports.distribution import Distribution
from reports.gate import model
from reports.gate.model import Breach, PhaseKind, Quantiles, Stretch
from reports.read import DamageError, Trial
from reports.summary import CheckVerdict, Counts, Exhaustion, OracleVerdict
from scenarios.model import Phase, Scenario

LATE = frozenset({"generator-late", "generator-stalled", "generator-starved", "generator-capped"})
"""Rules by which a trial's generator was late: on the head alone that is a sign of the head's."""
SPOILS_TIMES = LATE | {"host-overrun"}
"""Rules that say nothing against what was counted."""
_WRONG = "conformance-failed"
TIMED = frozenset({"acquire", "recovery"})
"""Oracles of how long something took: one busy moment of the machine breaks them, and once would be enough."""
SAFETY = frozenset({"money-is-conserved", "no-leaked-connections", "sessions-at-base", "answers-unchanged"})
_BY_ITSELF = ("statements", "checkouts", "opened", "pings")
"""Counts of a request that is asked by itself (`harness.records.RouteCost`)."""
_UNDER_LOAD = (*_BY_ITSELF, "transactions")
"""Counts of a request under load (`reports.summary.Counts`)."""
ANSWERS_RIGHT = "answers-right"
_OF_ORACLES = {
    OracleVerdict.PASSED: CheckVerdict.PASSED,
    OracleVerdict.BROKEN: CheckVerdict.BROKEN,
    OracleVerdict.UNKNOWN: CheckVerdict.UNDECIDED,
}


@dataclass(frozen=True, slots=True)
class Usable:
    """One side's trial of one scenario, with the rules that it breaks all the same."""

    spec: TrialSpec
    observed: Observed
    doubts: tuple[Doubt, ...]
    climbed: Exhaustion | None

    @property
    def was_late(self) -> bool:
        """Whether its times cannot be used."""
        return any(doubt.rule in SPOILS_TIMES for doubt in self.doubts)


@dataclass(frozen=True, slots=True)
class Lost:
    """One that cannot be used, and why; `wrong` where it was not begun, as the answers were wrong already."""

    spec: TrialSpec
    reason: str
    crashed: bool = False
    wrong: bool = False

    @property
    def breaches(self) -> Iterator[Breach]:
        """What must never be, and was seen all the same."""
        if self.wrong:
            yield Breach(ANSWERS_RIGHT, self.reason, self.spec.scenario)


Seen = Usable | Lost
Told = frozenset[tuple[str, str, str]]
"""Scenario, phase and operation of which there are enough requests for a p99."""


def see(
    spec: TrialSpec, trial: Trial | None, scenario: Scenario, proves: bool, tolerated: frozenset[str] = LATE
) -> Seen:
    """A planned trial, or what is left of it. Rules that are `tolerated` spoil its times alone."""
    if trial is None:
        return Lost(spec, "it was not run")
    record = trial.record
    if record.state is not TrialState.COMPLETED:
        asked = record.conformance
        late = any(one.was_late for one in asked)
        wrong = not late and any(not one.passed and not one.is_of_costs for one in asked)
        return Lost(spec, record.reason or record.state, crashed=bool(record.subject_ended), wrong=wrong)
    try:
        one = observe(scenario, trial, proves)
    except DamageError as error:
        return Lost(spec, str(error))
    found = doubts(one)
    fatal = [doubt.reason for doubt in found if doubt.rule not in {*tolerated, _WRONG}]
    if fatal:
        return Lost(spec, "; ".join(fatal))
    return Usable(spec, one, found, exhaustion(scenario, [one]))


def phases_of(
    observed: Observed, told: Told | None = None, *, climbed: Exhaustion | None = None, late: bool = False
) -> Iterator[tuple[Stretch, model.Phase]]:
    """A trial's phases that count. `told` says where there are enough requests for a p99, None everywhere;
    `climbed` is what its ladder showed, `late` whether its generator was.

    What is counted over a whole trial stands in its first phase that counts.
    """
    under_load = counts([observed])
    costs = _costs(observed, under_load)
    cpu = under_load and under_load.target_cpu_ms
    for number, phase in enumerate(observed.counting):
        made = _phase(observed, phase, {} if number else costs, told)
        if number == 0:
            made = replace(made, cpu_ms_per_request=cpu.per_request if cpu else None, onset_step=_onset(climbed))
        yield Stretch(observed.scenario.name, phase.name), replace(made, generator_late=late)


def _phase(
    observed: Observed, phase: Phase, costs: Mapping[str, Mapping[str, float]], told: Told | None
) -> model.Phase:
    folds = {route: fold for (name, route), fold in observed.fold.phases.items() if name == phase.name}
    every = folds.get(ALL, PhaseFold())
    answered = every.outcomes.total()
    return model.Phase(
        kind=_kind(phase),
        routes={
            route: _route(
                folds.get(route, PhaseFold()),
                costs.get(route, {}),
                told is None or (observed.scenario.name, phase.name, route) in told,
            )
            for route in {**folds, **costs}
        },
        offered_share=answered / (answered + every.not_started) if answered else 0.0,
        generator_lag_ms=_lag_ms(every),
        throughput_per_s=every.completed / every.duration_s if every.duration_s else None,
        recovery=_recovery(observed, phase),
    )


def _kind(phase: Phase) -> PhaseKind:
    if phase.faults:
        return PhaseKind.FAULTED
    return PhaseKind.STEADY if phase.arrivals is not None and phase.arrivals.is_even else PhaseKind.SATURATING


def _route(fold: PhaseFold, costs: Mapping[str, float], told: bool) -> model.Observed:
    answers = Distribution()
    answers.merge(fold.success)
    answers.merge(fold.failure)
    return model.Observed(
        requests=answers.total,
        errors=fold.failure.total,
        successes=_quantiles(fold.success, told),
        answers=_quantiles(answers, told),
        counts=costs,
    )


def _quantiles(distribution: Distribution, told: bool) -> Quantiles:
    p50_ms, p90_ms, p99_ms = distribution.quantiles_ms(500, 900, 990)
    return Quantiles(p50_ms=p50_ms, p90_ms=p90_ms, p99_ms=p99_ms if told else None)


def _lag_ms(fold: PhaseFold) -> float | None:
    """By how much the typical request was sent too late."""
    response_ms, service_ms = fold.success.quantiles_ms(500)[0], fold.service.quantiles_ms(500)[0]
    return None if response_ms is None or service_ms is None else max(0.0, response_ms - service_ms)


def _costs(one: Observed, under_load: Counts | None) -> Mapping[str, Mapping[str, float]]:
    """What a request of each route cost by itself, and what one cost under load, for all."""
    found: dict[str, dict[str, float]] = {}
    for cost in one.trial.record.route_costs:
        if cost.failed or not cost.requests:
            continue
        own = {name: value / cost.requests for name in _BY_ITSELF if (value := getattr(cost, name)) is not None}
        found[cost.route] = own if cost.round_trips is None else {**own, "round trips": float(cost.round_trips)}
    if under_load is not None:
        found[ALL] = {
            name: count.per_request for name in _UNDER_LOAD if (count := getattr(under_load, name)) is not None
        }
    return found


def _recovery(one: Observed, phase: Phase) -> model.Recovery | None:
    """After the last healing of the phase."""
    windows = [window for window in one.fold.windows if window.result.phase == phase.name]
    if not windows or windows[-1].result.heal_done_s is None:
        return None
    last = windows[-1]
    bin_s = reading_every_s(one.scenario)
    after_ms = last.recovery.after_ms
    if after_ms is not None:
        return model.Recovery(seconds=max(after_ms / 1000, bin_s), bin_s=bin_s)
    if not last.recovery.observed:
        return None
    end_s = next(span.end_ns for span in one.course.phases if span.name == phase.name) / 1e9
    return model.Recovery(seconds=max(end_s - (last.result.heal_done_s or 0.0), bin_s), bin_s=bin_s, censored=True)


def _onset(climbed: Exhaustion | None) -> int | None:
    """The first step of a ladder with refusals or failures, from 0; as many as there are where none had any."""
    if climbed is None:
        return None
    names = [step.phase for step in climbed.steps]
    return names.index(climbed.onset_phase) if climbed.onset_phase in names else len(names)


def breaches_of(one: Usable) -> Iterator[Breach]:
    """What must never be, whatever the other side did."""
    for found in invariants_of(one):
        if found.verdict is CheckVerdict.BROKEN:
            yield Breach(found.name, found.said, one.spec.scenario)


@dataclass(frozen=True, slots=True)
class Invariant:
    """What must hold in any trial, and whether it did; undecided where there was too little to tell."""

    name: str
    verdict: CheckVerdict
    said: str


def invariants_of(one: Usable) -> Iterator[Invariant]:
    """The scenario's checks of safety, every oracle, and whether the answers were right."""
    observed = one.observed
    safety = [check for check in observed.scenario.checks if check.kind in SAFETY]
    for result in evaluate(safety, Evidence([observed], observed.fold.windows, one.climbed)):
        yield Invariant(result.kind, result.verdict, result.evidence)
    for told in oracle_results([observed]):
        if told.oracle not in TIMED:
            yield Invariant(told.oracle, _OF_ORACLES[told.verdict], told.said)
    conformance = observed.trial.record.conformance
    # What an answer costs is no breach: it is counted for each route, and fewer is better.
    # Where an answer did not come in time, what follows from it is wrong as well; a busy machine does that, too.
    late = {item.when for item in conformance if item.was_late}
    wrong = [item for item in conformance if not item.passed and not item.is_of_costs and item.when not in late]
    if wrong:
        detail = f" ({wrong[0].detail.rstrip('.')})" if wrong[0].detail else ""
        said = f"{wrong[0].name} was answered wrongly {wrong[0].when} the load{detail}"
        yield Invariant(ANSWERS_RIGHT, CheckVerdict.BROKEN, said)
    elif conformance and not late:
        yield Invariant(ANSWERS_RIGHT, CheckVerdict.PASSED, f"{len(conformance)} answers were right")
