"""Run -> Measured: what a gate's folder holds, side by side, as the test takes it. Pure."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from harness.errors import RunDirectoryError
from harness.records import HostReading, Side, TrialSpec, TrialState, reading_every_s
from reports.analysis.checks import Evidence, evaluate
from reports.analysis.counts import counts
from reports.analysis.exhaustion import exhaustion
from reports.analysis.folding import ALL, Observed, PhaseFold, observe
from reports.analysis.oracles import oracle_results
from reports.analysis.validity import Doubt, doubts, proves_faults
from reports.distribution import Distribution
from reports.gate import model
from reports.gate.context import is_whole, was_late
from reports.gate.limits import FEWEST_OF_ALL_FOR_P99
from reports.gate.model import Breach, Measured, Pair, PhaseKind, Quantiles, Slot, Stretch
from reports.read import DamageError, Run, Trial
from reports.summary import CheckVerdict, Counts, Exhaustion, OracleVerdict
from scenarios.model import Phase, Scenario

FIDELITY_MS = 0.3
"""What poolstorm's own p50 may be off by (docs/measurement.md)."""
_LATE = frozenset({"generator-late", "generator-stalled", "generator-starved", "generator-capped"})
"""Rules by which a trial's generator was late: on the head alone that is a sign of the head's."""
_WRONG = "conformance-failed"
_SAFETY = frozenset({"money-is-conserved", "no-leaked-connections", "sessions-at-base", "answers-unchanged"})
_TIMED = frozenset({"acquire", "recovery"})
"""Oracles of how long something took: one busy moment of the machine breaks them, and once would be enough."""
_BY_ITSELF = ("statements", "checkouts", "opened", "pings")
"""Counts of a request that is asked by itself (`harness.records.RouteCost`)."""
_UNDER_LOAD = (*_BY_ITSELF, "transactions")
"""Counts of a request under load (`reports.summary.Counts`)."""


@dataclass(frozen=True, slots=True)
class _Usable:
    """One side's trial of one scenario, with the rules that it breaks all the same."""

    spec: TrialSpec
    observed: Observed
    doubts: tuple[Doubt, ...]
    climbed: Exhaustion | None


@dataclass(frozen=True, slots=True)
class _Lost:
    """One that cannot be used, and why."""

    spec: TrialSpec
    reason: str
    crashed: bool = False


_Seen = _Usable | _Lost


def measured(run: Run) -> Measured:
    """All pairs of a gate. Raises RunDirectoryError for a run that is none."""
    gate = run.manifest.gate
    if gate is None:
        raise RunDirectoryError(f"{run.path} is no gate's folder; name one that `poolstorm gate` wrote")
    proves = proves_faults(run.trials)
    trials = {trial.record.spec.id: trial for trial in run.trials}
    scenarios = {scenario.name: scenario for scenario in run.manifest.scenarios}
    sides = {info.name: info.place.side for info in run.manifest.targets if info.place is not None}
    titles = {info.place.side: info.title for info in run.manifest.targets if info.place is not None}
    seen: dict[tuple[int, Side], list[_Seen]] = defaultdict(list)
    for spec in run.manifest.trials:
        side = sides.get(spec.target)
        if side in (Side.BASE, Side.HEAD):
            seen[spec.repetition, side].append(_seen(spec, trials.get(spec.id), scenarios[spec.scenario], proves))
    told = _enough_for_p99(seen)
    configuration = hashlib.sha256(repr(run.manifest.scenarios).encode()).hexdigest()
    pairs = sorted({number for number, _ in seen})
    return Measured(
        pairs_planned=gate.pairs[min(gate.look, len(gate.pairs)) - 1],
        pairs=tuple(
            Pair(
                number=number,
                target=titles[Side.HEAD],
                base=_slot(seen[number, Side.BASE], seen[number, Side.HEAD], configuration, told),
                head=_slot(seen[number, Side.HEAD], seen[number, Side.BASE], configuration, told),
            )
            for number in pairs
        ),
        seed=run.manifest.seed,
        fidelity_ms=FIDELITY_MS,
        broken_before=gate.broken_before,
        head=gate.head.name,
    )


def usable_pairs(seen: Measured) -> int:
    """Those with both sides, whose times can be used."""
    return sum(is_whole(pair) and not any(map(was_late, pair.base.phases.values())) for pair in seen.pairs)


def _seen(spec: TrialSpec, trial: Trial | None, scenario: Scenario, proves: bool) -> _Seen:
    if trial is None:
        return _Lost(spec, "it was not run")
    record = trial.record
    if record.state is not TrialState.COMPLETED:
        return _Lost(spec, record.reason or record.state, crashed=bool(record.subject_ended))
    try:
        one = observe(scenario, trial, proves)
    except DamageError as error:
        return _Lost(spec, str(error))
    found = doubts(one)
    fatal = [doubt.reason for doubt in found if doubt.rule not in {*_LATE, _WRONG}]
    if fatal:
        return _Lost(spec, "; ".join(fatal))
    return _Usable(spec, one, found, exhaustion(scenario, [one]))


Told = frozenset[tuple[str, str, str]]
"""Scenario, phase and operation of which there are enough requests for a p99."""


def _enough_for_p99(seen: Mapping[tuple[int, Side], list[_Seen]]) -> Told:
    totals: Counter[tuple[Side, str, str, str]] = Counter()
    for (_, side), trials in seen.items():
        for one in trials:
            if isinstance(one, _Usable):
                for (phase, operation), fold in one.observed.fold.phases.items():
                    totals[side, one.spec.scenario, phase, operation] += fold.success.total
    enough = {key for key, total in totals.items() if total >= FEWEST_OF_ALL_FOR_P99}
    return frozenset(
        (scenario, phase, operation)
        for side, scenario, phase, operation in enough
        if side is Side.BASE and (Side.HEAD, scenario, phase, operation) in enough
    )


def _slot(own: list[_Seen], other: list[_Seen], configuration: str, told: Told) -> Slot:
    """One side of a pair, over all its scenarios."""
    usable = [one for one in own if isinstance(one, _Usable)]
    lost = [one for one in own if isinstance(one, _Lost)]
    first = min(one.spec.index for one in (*own, *other))
    return Slot(
        configuration=configuration,
        position=int(all(one.spec.index != first for one in own)),
        steal_share=_steal_share(usable),
        phases={
            stretch: phase
            for one in usable
            for stretch, phase in phases_of(
                one.observed, told, climbed=one.climbed, late=any(doubt.rule in _LATE for doubt in one.doubts)
            )
        },
        breaches=tuple(breach for one in usable for breach in _breaches(one)),
        crashed=any(one.crashed for one in lost),
        lost="; ".join(dict.fromkeys(one.reason for one in lost)),
    )


def _steal_share(usable: list[_Usable]) -> float | None:
    percents = [reading.steal_percent for one in usable for reading in one.observed.trial.readings_of(HostReading)]
    return sum(percents) / len(percents) / 100 if percents else None


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


def _breaches(one: _Usable) -> Iterator[Breach]:
    """What must never be, whatever the other side did."""
    observed = one.observed
    safety = [check for check in observed.scenario.checks if check.kind in _SAFETY]
    for result in evaluate(safety, Evidence([observed], observed.fold.windows, one.climbed)):
        if result.verdict is CheckVerdict.BROKEN:
            yield Breach(result.kind, result.evidence)
    for verdict in oracle_results([observed]):
        if verdict.verdict is OracleVerdict.BROKEN and verdict.oracle not in _TIMED:
            yield Breach(verdict.oracle, verdict.said)
    # What an answer costs is no breach: it is counted for each route, and fewer is better.
    # Where an answer did not come in time, what follows from it is wrong as well; a busy machine does that, too.
    asked = observed.trial.record.conformance
    late = {item.when for item in asked if item.was_late}
    wrong = [item for item in asked if not item.passed and not item.is_of_costs and item.when not in late]
    if wrong:
        detail = f" ({wrong[0].detail.rstrip('.')})" if wrong[0].detail else ""
        yield Breach("answers-right", f"{wrong[0].name} was answered wrongly {wrong[0].when} the load{detail}")
