"""Run -> Summary: pure. Reads what was recorded and judges it; starts nothing and writes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.errors import RunDirectoryError
from harness.records import Environment, TrialRecord, TrialSpec, TrialState
from reports.analysis.breakdown import breakdowns
from reports.analysis.caveats import caveats
from reports.analysis.checks import Evidence, evaluate
from reports.analysis.counts import counts
from reports.analysis.exhaustion import exhaustion
from reports.analysis.fault_summaries import fault_summaries
from reports.analysis.folding import Folds, Observed, observe
from reports.analysis.held import held_times
from reports.analysis.inside import inside_figures
from reports.analysis.latency import phase_results, places_of
from reports.analysis.latency_ladder import round_trips
from reports.analysis.ledger import ledger
from reports.analysis.limits import limit_results
from reports.analysis.noise import largest_floors, noise_floors
from reports.analysis.oracles import oracle_results
from reports.analysis.outcomes import error_counts
from reports.analysis.validity import Doubt, damaged, doubts, proves_faults
from reports.diagnosis.diagnose import diagnose
from reports.files import reason_of
from reports.read import DamageError, Run, Trial
from reports.summary import NoiseFloor, PhaseInfo, RunInfo, ScenarioResult, Summary, TargetResult, TrialLine
from reports.wording import seconds
from scenarios.model import FaultSpec, Scalar, Scenario

NOT_RUN = "not-run"
"""State of a planned trial that left no folder."""

_UNITS = ("ms", "s", "kib", "kb", "bytes", "percent")


INVALID_ADVICE = "Remove the cause and run it again."


@dataclass(frozen=True, slots=True)
class _Group:
    """One target under one scenario: its usable trials by repetition, and how every planned one ended."""

    observed: tuple[Observed, ...]
    lines: tuple[TrialLine, ...]

    @property
    def folds(self) -> dict[int, Folds]:
        """By repetition."""
        return {one.repetition: one.fold.phases for one in self.observed}


_Groups = Mapping[str, _Group]
"""By target, in the manifest's order."""


Usable = Mapping[tuple[str, str], tuple[Observed, ...]]
"""The trials whose figures may be used, by scenario and target, in the order of their repetitions."""


def analyse(run: Run, *, probed: bool = True) -> Summary:
    """Everything that a report may say of the run. Without `probed` the diagnosis puts aside what a probe told.

    Trials that were not completed, or that break a rule of
    `reports.analysis.validity`, are listed, never counted.

    Goes through each trial's latencies once. Raises RunDirectoryError where nothing can be made of the run.
    """
    return analysed(run, probed=probed)[0]


def analysed(run: Run, *, probed: bool = True) -> tuple[Summary, Usable]:
    """The same, and the trials that it rests on."""
    try:
        return _analyse(run, probed)
    except (ArithmeticError, ValueError, TypeError, LookupError, RecursionError, MemoryError) as error:
        raise RunDirectoryError(
            f"{run.path} tells what cannot have been ({type(error).__name__}: {reason_of(error)}); "
            "restore it or repeat the run"
        ) from error


def _analyse(run: Run, probed: bool) -> tuple[Summary, Usable]:
    proves = proves_faults(run.trials)
    trials = {trial.record.spec.id: trial for trial in run.trials}
    planned: dict[str, dict[str, list[TrialSpec]]] = {}
    for spec in sorted(run.manifest.trials, key=lambda spec: spec.repetition):
        planned.setdefault(spec.scenario, {}).setdefault(spec.target, []).append(spec)
    groups = {
        scenario.name: {
            info.name: _group(planned[scenario.name][info.name], trials, scenario, proves)
            for info in run.manifest.targets
            if info.name in planned.get(scenario.name, {})
        }
        for scenario in run.manifest.scenarios
    }
    scenarios = tuple(
        _scenario_result(run, scenario, groups[scenario.name], probed) for scenario in run.manifest.scenarios
    )
    usable = {
        (scenario, target): group.observed
        for scenario, of in groups.items()
        for target, group in of.items()
        if group.observed
    }
    summary = Summary(
        run=_run_info(run, scenarios), scenarios=scenarios, caveats=caveats(run, scenarios, usable, proves)
    )
    return summary, usable


def usable_trials(run: Run) -> dict[tuple[str, str], tuple[Observed, ...]]:
    """The trials whose figures may be used, by scenario and target, each gone through once."""
    proves = proves_faults(run.trials)
    scenarios = {scenario.name: scenario for scenario in run.manifest.scenarios}
    found: dict[tuple[str, str], list[Observed]] = {}
    for trial in run.trials:
        spec = trial.record.spec
        one, _ = _judged(trial, scenarios[spec.scenario], proves)
        if one is not None:
            found.setdefault((spec.scenario, spec.target), []).append(one)
    return {place: tuple(trials) for place, trials in found.items()}


def _group(specs: Sequence[TrialSpec], trials: Mapping[str, Trial], scenario: Scenario, proves: bool) -> _Group:
    """What is damaged cannot be used, whatever else it says of itself."""
    observed: list[Observed] = []
    lines = []
    for spec in specs:
        trial = trials.get(spec.id)
        one, found = _judged(trial, scenario, proves) if trial else (None, ())
        if one is not None:
            observed.append(one)
        lines.append(_trial_line(spec, trial, found))
    return _Group(tuple(observed), tuple(lines))


def _judged(trial: Trial, scenario: Scenario, proves: bool) -> tuple[Observed | None, tuple[Doubt, ...]]:
    """A trial that can be used, or why it cannot; nothing where it says so itself."""
    if trial.record.state is not TrialState.COMPLETED:
        return None, damaged(trial.damage) if trial.damage else ()
    try:
        one = observe(scenario, trial, proves)
    except DamageError as error:
        return None, damaged(str(error))
    found = doubts(one)
    return (None if found else one), found


def _trial_line(spec: TrialSpec, trial: Trial | None, found: Sequence[Doubt]) -> TrialLine:
    record = trial.record if trial else None
    advice = INVALID_ADVICE if record and record.state is TrialState.INVALID else ""
    state = record.state.value if record else NOT_RUN
    return TrialLine(
        id=spec.id,
        repetition=spec.repetition,
        state=TrialState.INVALID.value if found else state,
        reason="; ".join(doubt.reason for doubt in found) or (record.reason if record else ""),
        advice=" ".join(dict.fromkeys(doubt.advice for doubt in found)) or advice,
        rules=tuple(doubt.rule for doubt in found),
    )


def _scenario_result(run: Run, scenario: Scenario, groups: _Groups, probed: bool) -> ScenarioResult:
    pairs = {info.name: info.repeats for info in run.manifest.targets if info.repeats and info.name in groups}
    folds = {target: group.folds for target, group in groups.items()}
    places = places_of(scenario, {place for of in folds.values() for fold in of.values() for place in fold})
    noise = noise_floors([(phase.name, operation) for phase, operation in places], pairs, folds)
    records: dict[str, TrialRecord] = {}
    for trial in run.trials:
        if trial.record.spec.scenario == scenario.name and trial.record.target.settings:
            records.setdefault(trial.record.spec.target, trial.record)
    return ScenarioResult(
        name=scenario.name,
        title=scenario.title,
        question=scenario.question,
        phases=tuple(
            PhaseInfo(
                name=phase.name,
                duration_s=phase.duration_s,
                load=phase.describe_load(),
                behaviour=phase.behaviour,
                warmup=phase.warmup,
                faults=tuple(map(describe_fault, phase.faults)),
            )
            for phase in scenario.phases
        ),
        pool_overrides=dict(scenario.pool),
        targets=tuple(_target_result(run, scenario, target, groups, noise, probed) for target in groups),
        ledger=ledger(
            {target: records[target] for target in groups if target in records}, run.manifest.environment.packages
        ),
        noise=noise,
    )


def _target_result(
    run: Run, scenario: Scenario, target: str, groups: _Groups, noise: Sequence[NoiseFloor], probed: bool
) -> TargetResult:
    group, control = groups[target], groups.get(run.manifest.control)
    observed = group.observed
    is_control = target == run.manifest.control
    windows = [window for one in observed for window in one.fold.windows]
    climbed = exhaustion(scenario, observed)
    limits = run.manifest.limits.get(scenario.name)
    errors = sum((one.fold.errors for one in observed), Counter())
    return TargetResult(
        target=target,
        is_control=is_control,
        trials=group.lines,
        phases=phase_results(
            scenario, group.folds, control.folds if control and not is_control else None, largest_floors(noise)
        ),
        faults=tuple(window.result for window in windows),
        timelines=tuple(one.fold.timeline for one in observed),
        exhaustion=climbed,
        errors=error_counts(errors, [phase.name for phase in scenario.phases]),
        checks=evaluate(scenario.checks, Evidence(observed, windows, climbed)),
        settings=_settings(run, target, observed),
        repeats=next((info.repeats for info in run.manifest.targets if info.name == target), None),
        breakdowns=breakdowns(scenario, group.folds),
        held=held_times(scenario, observed),
        inside=inside_figures(observed),
        counts=counts(observed),
        round_trips=round_trips(scenario, observed),
        fault_summaries=fault_summaries(windows),
        oracles=oracle_results(observed),
        limits=limit_results(limits, observed) if limits is not None else (),
        diagnosis=diagnose(observed, probed=probed),
    )


def _settings(run: Run, target: str, observed: Sequence[Observed]) -> dict[str, Scalar | None]:
    """As the target itself reported them in the first completed trial, else as the manifest has them."""
    for one in observed:
        if one.trial.record.target.settings:
            return dict(one.trial.record.target.settings)
    return next((dict(info.settings) for info in run.manifest.targets if info.name == target), {})


def describe_fault(fault: FaultSpec) -> str:
    """A phrase such as `latency 10 ms, jitter 2 ms from 0.5 s for 2 s`."""
    words = [_describe_setting(fault.kind, name, value) for name, value in fault.settings.items()]
    text = ", ".join(words)
    if not text.startswith(f"{fault.kind} "):
        text = f"{fault.kind} ({text})" if text else fault.kind
    return f"{text} from {seconds(fault.at_s)} s for {seconds(fault.duration_s)} s"


def _describe_setting(kind: str, name: str, value: Scalar) -> str:
    stem, _, unit = name.rpartition("_")
    shown = f"{value:g}" if isinstance(value, int | float) and not isinstance(value, bool) else str(value)
    if stem and unit in _UNITS:
        return f"{stem.replace('_', ' ') if stem != kind else kind} {shown} {unit}"
    return f"{name.replace('_', ' ')} {shown}"


def _run_info(run: Run, scenarios: Sequence[ScenarioResult]) -> RunInfo:
    manifest = run.manifest
    states = Counter(line.state for scenario in scenarios for target in scenario.targets for line in target.trials)
    return RunInfo(
        run_id=manifest.run_id,
        created_at=manifest.created_at,
        state=manifest.state.value,
        seed=manifest.seed,
        repetitions=manifest.repetitions,
        control=manifest.control,
        poolstorm_version=manifest.poolstorm_version,
        trials_planned=len(manifest.trials),
        trials_completed=states[TrialState.COMPLETED.value],
        trials_invalid=states[TrialState.INVALID.value],
        targets={target.name: target.teaches for target in manifest.targets},
        environment=_environment(manifest.environment),
        borne_per_s=manifest.calibration and manifest.calibration.borne_per_s,
        usual_per_s=manifest.calibration and manifest.calibration.usual_per_s,
        locustfile=manifest.locustfile.users if manifest.locustfile else "",
    )


def _environment(environment: Environment) -> dict[str, str]:
    """The facts as text, under their record's field names; settings and packages one by one."""
    plain = {
        name: str(value)
        for name, value in environment
        if value is not None and name not in ("postgres_settings", "packages")
    }
    settings = {f"postgres.{name}": value for name, value in environment.postgres_settings.items()}
    return {**plain, **settings, **{f"package.{name}": value for name, value in environment.packages.items()}}
