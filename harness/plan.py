"""What will be run: subjects, scenarios and the order of their trials. Pure; `harness.planning` leads here."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count, groupby

from pydantic import ValidationError

from harness.apps.scenarios import AS_WRITTEN, as_written, factor_of, for_app
from harness.apps.subjects import app_subjects
from harness.apps.wish import AppWish, rate_of, users_of
from harness.errors import PlanError, unknown_name
from harness.load.workers import SINGLE, Workers
from harness.locustfile import Inspected
from harness.planning.checks import (
    check_extent,
    check_parts,
    check_scenario,
    check_size,
    require_distinct,
    require_known,
    settle_control,
    settle_workers,
    with_overrides,
)
from harness.planning.limits import counts_routes, settle_limits
from harness.planning.wish import PlanFile, ScenarioPatch
from harness.planning.wording import first_problem
from harness.records import GateRecord, TrialSpec
from harness.subject import Subject, standard_subject, twins
from scenarios.limits import Limits
from scenarios.model import OF_LOCUSTFILES, WITH_A_SHAPE, Behaviour, Scenario
from scenarios.registry import DEFAULT_SCENARIOS, SCENARIOS
from targets.known import KNOWN_TARGETS
from targets.registry import TARGETS
from targets.settings import PoolSettings

QUICK_TARGETS = ("sync-pool", "async-pool", "no-pool")
QUICK_SCENARIOS = ("baseline", "latency", "dropped-connections", "exhaustion")
CONTROL = "sync-pool"
DEFAULT_SEED = 1
ASSUMED_PER_S = 20.0
"""Requests a second of an app until it is known what it bears."""
TRIAL_OVERHEAD_S = 2.5
"""What a trial takes beside its load: processes, database, checks; for the time that is left, no more."""
COUNTING_S = 2.0
"""The same of counting what each route costs."""


@dataclass(frozen=True)
class Plan:
    """What will be run. `trials` is in the order of running: block by block of one repetition, shuffled.

    `control` names the subject that the others are compared with. `rates_assumed` says that the rates are those of
    an app of which it is not known yet what it bears. With `counts_routes` each trial asks every route by itself
    first, and records what that costs. `gate` is what it is a gate of, if it is one. `limits` are absolute,
    by scenario.
    """

    scenarios: tuple[Scenario, ...]
    subjects: tuple[Subject, ...]
    repetitions: int
    seed: int
    control: str
    trials: tuple[TrialSpec, ...]
    workers: Workers = SINGLE
    rates_assumed: bool = False
    locustfile: Inspected | None = None
    counts_routes: bool = False
    gate: GateRecord | None = None
    limits: Mapping[str, Limits] = field(default_factory=dict)

    def scenario(self, name: str) -> Scenario:
        """The scenario as it will be run."""
        return next(scenario for scenario in self.scenarios if scenario.name == name)

    def subject(self, name: str) -> Subject:
        """The subject of that name, with the plan's pool settings."""
        return next(subject for subject in self.subjects if subject.name == name)

    def pool_settings(self, subject: str, scenario: str) -> PoolSettings:
        """A subject's pool under a scenario: its own defaults, then the plan's, then the scenario's overrides."""
        return with_overrides(self.subject(subject).settings, self.scenario(scenario).pool)

    @property
    def needs_parts(self) -> frozenset[str]:
        """What some subject stands on beside the primary and its link."""
        return frozenset(part for subject in self.subjects for part in subject.needs_parts)

    def expected_s(self, trials: Iterable[TrialSpec] | None = None) -> float:
        """About how long the given trials, or all, will take. Those at once are prepared one after the other."""
        lengths_s = {scenario.name: scenario.duration_s for scenario in self.scenarios}
        overhead_s = TRIAL_OVERHEAD_S + COUNTING_S * self.counts_routes
        return sum(
            max(lengths_s[trial.scenario] for trial in block) + overhead_s * len(block)
            for block in blocks_of(self.trials if trials is None else trials)
        )


def blocks_of(trials: Iterable[TrialSpec]) -> tuple[tuple[TrialSpec, ...], ...]:
    """Trials in their order, those that run at the same time together."""
    alone = count(-1, -1)  # a key of its own for each that has none
    keyed = groupby(trials, key=lambda spec: next(alone) if spec.block is None else spec.block)
    return tuple(tuple(block) for _, block in keyed)


def load_seed(seed: int, repetition: int) -> int:
    """What seeds the arrivals of a repetition of a run with `seed`: the same in each of its trials."""
    return seed * 1_000_003 + repetition


def build_plan(
    wish: PlanFile,
    *,
    quick: bool = False,
    usual_per_s: float | None = None,
    locustfile: Inspected | None = None,
) -> Plan:
    """Settle every choice, check it against the registries and lay out the trials. `usual_per_s` is the load that
    was found to be usual for an app whose description names none; `locustfile` is whose users put it on.

    Raises PlanError for names that are unknown, faults that no registry has, whose settings are off, that their
    part cannot take or whose part no subject has, pool settings that no target takes, loads and runs beyond
    bounds, and more workers than requests in flight.
    """
    workers = settle_workers(wish)
    if locustfile is not None and workers.attached:
        raise PlanError("attached workers do not have the locustfile and what it imports; use --workers")
    scenarios = _settle_scenarios(wish, QUICK_SCENARIOS if quick else DEFAULT_SCENARIOS, workers, locustfile)
    repetitions = wish.repetitions or 1
    rates_assumed = False
    if not wish.all_apps:
        subjects, control = _settle_subjects(wish, QUICK_TARGETS if quick else tuple(TARGETS), repetitions)
    else:
        subjects, control = _settle_apps(wish, wish.all_apps, repetitions, locustfile)
        given_per_s = rate_of(wish.all_apps) or usual_per_s
        rates_assumed = given_per_s is None and any(scenario.name != AS_WRITTEN for scenario in scenarios)
        scenarios = _sized(wish, scenarios, given_per_s or ASSUMED_PER_S, locustfile)
        for scenario in scenarios:
            check_scenario(scenario, workers)
    check_parts(scenarios, subjects)
    for scenario in scenarios:
        for subject in subjects:
            with_overrides(subject.settings, scenario.pool)
    check_size(scenarios, len(subjects) * repetitions, TRIAL_OVERHEAD_S)
    limits = settle_limits(wish.limits, scenarios, (*SCENARIOS, *wish.scenario, AS_WRITTEN))
    seed = DEFAULT_SEED if wish.seed is None else wish.seed
    return Plan(
        scenarios=scenarios,
        subjects=subjects,
        repetitions=repetitions,
        seed=seed,
        control=control,
        trials=lay_out(scenarios, subjects, repetitions, seed),
        workers=workers,
        rates_assumed=rates_assumed,
        locustfile=locustfile,
        counts_routes=counts_routes(wish.route_costs, limits),
        limits=limits,
    )


def _settle_subjects(
    wish: PlanFile, default: tuple[str, ...], repetitions: int
) -> tuple[tuple[Subject, ...], str]:
    """What is measured, with the plan's pool, and the name of the control; its twin, for A/A, comes last."""
    names = require_distinct("target", wish.targets or default)
    for name in names:
        require_known("target", name, KNOWN_TARGETS)
    control = settle_control(wish, names, CONTROL)
    subjects = {}
    for name in names:
        subject = standard_subject(KNOWN_TARGETS[name])
        subjects[name] = replace(subject, settings=with_overrides(subject.settings, wish.pool))
    return _with_twin(wish, subjects, control, repetitions), control


def _settle_apps(
    wish: PlanFile, apps: Sequence[AppWish], repetitions: int, locustfile: Inspected | None
) -> tuple[tuple[Subject, ...], str]:
    """The apps with their variants, or those of them that are named, and the name of the control."""
    if wish.pool:
        raise PlanError("an app configures its own pool; leave out pool, and give it the variables that it reads")
    file = None if locustfile is None else locustfile.file
    known = {subject.name: subject for app in apps for subject in app_subjects(app, file)}
    names = require_distinct("target", wish.targets or tuple(known))
    for name in names:
        if name not in known and name in KNOWN_TARGETS:
            raise PlanError(
                f"{name} is a standard target, and apps are measured without these; leave it out, or run it with "
                "a plan of its own"
            )
        require_known("target", name, known)
    control = settle_control(wish, names, names[0])
    return _with_twin(wish, {name: known[name] for name in names}, control, repetitions), control


def _with_twin(
    wish: PlanFile, subjects: Mapping[str, Subject], control: str, repetitions: int
) -> tuple[Subject, ...]:
    """Them, and the control's twin for A/A where that is wanted: by default from the second repetition on, as a
    single pair shows little.
    """
    found = dict(subjects)
    if wish.aa if wish.aa is not None else repetitions > 1:
        first, second = twins(found[control])
        found |= {control: first, second.name: second}
    return tuple(found.values())


def _settle_scenarios(
    wish: PlanFile, default: tuple[str, ...], workers: Workers, locustfile: Inspected | None
) -> tuple[Scenario, ...]:
    known = dict(SCENARIOS)
    if AS_WRITTEN in wish.scenario:
        raise PlanError(f"scenario.{AS_WRITTEN}: that is a locustfile as it is; derive one of another name")
    if locustfile is not None:
        known[AS_WRITTEN] = as_written(locustfile, wish.duration_s)
    for name, patch in wish.scenario.items():
        known[name] = _patched(name, patch)
    names = require_distinct("scenario", wish.scenarios or (tuple(wish.scenario) if wish.scenario else default))
    chosen = []
    for name in names:
        if name == AS_WRITTEN and locustfile is None:
            raise PlanError(
                f"scenario {AS_WRITTEN!r} runs a locustfile; name it with --locustfile, and an app with --app"
            )
        require_known("scenario", name, known)
        scenario = known[name]
        _check_users(scenario, locustfile)
        check_scenario(scenario, workers)
        if wish.duration_s is not None and name != AS_WRITTEN:
            scenario = scenario.scaled(wish.duration_s / scenario.duration_s)
            check_extent(scenario)
        chosen.append(scenario)
    return tuple(chosen)


def _check_users(scenario: Scenario, locustfile: Inspected | None) -> None:
    """Raises PlanError for phases whose users nobody brings."""
    outside = sorted({phase.behaviour for phase in scenario.phases} & OF_LOCUSTFILES)
    if outside and locustfile is None:
        raise PlanError(f"scenario {scenario.name!r} has users of a locustfile; name that with --locustfile")
    if WITH_A_SHAPE in outside and scenario.name != AS_WRITTEN:
        raise PlanError(
            f"scenario {scenario.name!r}: only {AS_WRITTEN} has a locustfile's shape; write 'locustfile'"
        )


def _sized(
    wish: PlanFile, scenarios: Sequence[Scenario], usual_per_s: float, locustfile: Inspected | None
) -> tuple[Scenario, ...]:
    """As they are for apps of which so much is usual; a locustfile as it is stays so."""
    factor, users = factor_of(usual_per_s), users_of(wish.all_apps)
    behaviour: Behaviour = "visitor" if locustfile is None else "locustfile"
    return tuple(
        scenario
        if scenario.name == AS_WRITTEN
        else for_app(scenario, 1.0 if _has_own_phases(wish, scenario) else factor, users, behaviour)
        for scenario in scenarios
    )


def _has_own_phases(wish: PlanFile, scenario: Scenario) -> bool:
    """Whether the plan says itself how much is offered in it."""
    patch = wish.scenario.get(scenario.name)
    return patch is not None and patch.phases is not None


def _patched(name: str, patch: ScenarioPatch) -> Scenario:
    base_name = patch.base or name
    if base_name not in SCENARIOS:
        hint = "" if patch.base else "; a new scenario names the one it starts from with `base`"
        raise PlanError(f"scenario.{name}: {unknown_name('scenario', base_name, SCENARIOS)}{hint}")
    changes = patch.model_dump(exclude_none=True, exclude={"base"})
    merged = {**SCENARIOS[base_name].model_dump(), **changes, "name": name}
    try:
        return Scenario.model_validate(merged)
    except ValidationError as error:
        raise PlanError(f"scenario.{name}: {first_problem(error, Scenario)}") from error


def lay_out(
    scenarios: Sequence[Scenario], subjects: Sequence[Subject], repetitions: int, seed: int
) -> tuple[TrialSpec, ...]:
    """Each repetition is a block that holds every pair once, in an order of its own."""
    rng = random.Random(seed)
    digits = max(3, len(str(len(scenarios) * len(subjects) * repetitions)))
    trials: list[TrialSpec] = []
    for repetition in range(1, repetitions + 1):
        block = [(scenario.name, subject.name) for scenario in scenarios for subject in subjects]
        rng.shuffle(block)
        for scenario, subject in block:
            index = len(trials) + 1
            trial_id = f"{index:0{digits}d}-{scenario}-{subject}-r{repetition}"
            trials.append(
                TrialSpec(id=trial_id, index=index, scenario=scenario, target=subject, repetition=repetition)
            )
    return tuple(trials)
