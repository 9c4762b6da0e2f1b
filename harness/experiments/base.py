"""An experiment: subjects under scenarios, laid out as the plan of a run of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from harness.load.workers import SINGLE
from harness.plan import DEFAULT_SEED, TRIAL_OVERHEAD_S, Plan, lay_out
from harness.planning.checks import check_parts, check_scenario, check_size, with_overrides
from harness.records import Place, Side
from harness.subject import Subject, standard_subject
from scenarios.model import Scenario
from targets.registry import Target


@dataclass(frozen=True, slots=True)
class Experiment:
    """What has to be measured for some statements. `control` names the subject that the others are compared with.

    Quick means `quick_repetitions` and every phase `quick_share` as long: enough to see the sign of an effect; and
    only the subjects in `quick_subjects`, where there are any. One that is not `in_quick` takes too long for that.
    """

    name: str
    question: str
    subjects: tuple[Subject, ...]
    scenarios: tuple[Scenario, ...]
    control: str
    repetitions: int = 3
    quick_repetitions: int = 1
    quick_share: float = 1.0
    quick_subjects: tuple[str, ...] = ()
    in_quick: bool = True


def sides(pair: str, broken: Sequence[Target], cured: Sequence[Target]) -> tuple[Subject, ...]:
    """Subjects that belong together under the name of a pair, each on its side, in this order."""
    placed = [*((target, Side.BROKEN) for target in broken), *((target, Side.CURED) for target in cured)]
    return tuple(
        replace(standard_subject(target), place=Place(pair=pair, side=side, position=position))
        for position, (target, side) in enumerate(placed, 1)
    )


def plan_of(experiment: Experiment, *, quick: bool = False, seed: int = DEFAULT_SEED) -> Plan:
    """Its plan, checked as any other. Raises PlanError, which would be a fault of the experiment's own."""
    share = experiment.quick_share if quick else 1.0
    scenarios = tuple(scenario.scaled(share) for scenario in experiment.scenarios)
    repetitions = experiment.quick_repetitions if quick else experiment.repetitions
    only = experiment.quick_subjects if quick else ()
    subjects = tuple(subject for subject in experiment.subjects if not only or subject.name in only)
    check_parts(scenarios, subjects)
    for scenario in scenarios:
        check_scenario(scenario, SINGLE)
        for subject in subjects:
            with_overrides(subject.settings, scenario.pool)
    check_size(scenarios, len(subjects) * repetitions, TRIAL_OVERHEAD_S)
    return Plan(
        scenarios=scenarios,
        subjects=subjects,
        repetitions=repetitions,
        seed=seed,
        control=experiment.control,
        trials=lay_out(scenarios, subjects, repetitions, seed),
    )
