"""Before the trials of an app: does it start, answer and use its database, and how much does it bear?

What cannot be measured is found here, before minutes are spent on it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from harness.apps.calibration import calibrated, calibrating, trying
from harness.errors import EnvironmentSetupError, HeadBrokenError, OutputError, PoolstormError
from harness.plan import Plan
from harness.records import LATENCY_FILE, Calibration, Side, TrialSpec, TrialState, decode_intervals
from harness.scene import Stage
from harness.store import RunStore
from harness.subject import Subject
from harness.trial import run_trial
from scenarios.model import Behaviour, Scenario


def look_before(plan: Plan, store: RunStore, stage: Stage, say: Callable[[str], None]) -> Calibration | None:
    """Try each app once, the control first; what it bears, where the plan's rates are assumed.

    Raises EnvironmentSetupError, with the app's last words, for one that cannot be measured; HeadBrokenError for a
    gate's head, which is tried twice. Nothing of it stays.
    """
    found = None
    apps = [s for s in plan.subjects if not s.launch.is_ours and not _is_second_twin(s)]
    for subject in sorted(apps, key=lambda one: one.name != plan.control):
        sizes = plan.rates_assumed and subject.name == plan.control
        say(f"finding out what {subject.name} bears" if sizes else f"trying {subject.name}")
        behaviour: Behaviour = "visitor" if plan.locustfile is None else "locustfile"
        scenario = calibrating(behaviour) if sizes else trying(behaviour)
        if _is_head(subject):
            _try_head(plan, subject, scenario, store, stage, say)
            continue
        looked = _tried(plan, subject, scenario, store, stage)
        if sizes:
            found = looked
    return found


def _is_second_twin(subject: Subject) -> bool:
    return subject.place is not None and subject.place.side is Side.TWIN and subject.place.position > 1


def _is_head(subject: Subject) -> bool:
    return subject.place is not None and subject.place.side is Side.HEAD


def _try_head(
    plan: Plan, subject: Subject, scenario: Scenario, store: RunStore, stage: Stage, say: Callable[[str], None]
) -> None:
    """Its base was measured just before. What the machine alone did it will hardly do again."""
    try:
        _tried(plan, subject, scenario, store, stage)
    except EnvironmentSetupError as error:
        say(f"{error}; trying it once more")
        try:
            _tried(plan, subject, scenario, store, stage)
        except EnvironmentSetupError as again:
            raise HeadBrokenError(str(again)) from again


def _tried(plan: Plan, subject: Subject, scenario: Scenario, store: RunStore, stage: Stage) -> Calibration | None:
    spec = TrialSpec(
        id=f"{scenario.name}-{subject.name}", index=1, scenario=scenario.name, target=subject.name, repetition=1
    )
    own = replace(plan, scenarios=(scenario,), trials=(spec,))
    try:
        with store.trial(spec.id) as folder:
            record = run_trial(own, spec, stage, folder)
            if record.state is not TrialState.COMPLETED:
                raise EnvironmentSetupError(record.reason)
            with (folder.path / LATENCY_FILE).open(encoding="ascii") as log:
                looked = calibrated(subject.name, scenario, decode_intervals(log))
    except OutputError:
        raise
    except PoolstormError as error:
        raise EnvironmentSetupError(f"{subject.name} cannot be measured: {error}") from error
    if looked is None:
        raise EnvironmentSetupError(
            f"{subject.name} cannot be measured: it answered no request with a success; see what it is asked "
            "(--get, or its locustfile) and what it prints"
        )
    return looked
