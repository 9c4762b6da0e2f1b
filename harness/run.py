"""A whole run: every trial of a plan, whatever becomes of the single one, and what was finished is never lost."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from typing import Protocol

from harness.apps.preflight import look_before
from harness.apps.setup import set_up
from harness.environment.facts import describe_environment
from harness.environment.leash import Leash, tell_of
from harness.environment.stack import Fill, Stack, StackOptions, fill_bank, running_stack
from harness.errors import (
    EXIT_INTERRUPTED,
    EXIT_USAGE,
    EnvironmentSetupError,
    HeadBrokenError,
    InterruptedRunError,
    OutputError,
    PoolstormError,
)
from harness.interrupts import uninterrupted
from harness.load.attached import wait_for_attached
from harness.plan import Plan, blocks_of
from harness.records import Calibration, Conformance, Manifest, RunState, TrialRecord, TrialSpec, TrialState
from harness.scene import Stage
from harness.staging import RealStage
from harness.store import RunStore
from harness.subject import OWN_SCHEMA, Subject
from harness.terminal import RunDisplay
from harness.trial import BlockFailedError, Kept, run_at_once
from harness.witnesses.conformance import WrongAnswersError


class Observer(Protocol):
    """Whoever watches the run: a progress display, or nobody."""

    def trial_started(self, spec: TrialSpec) -> None: ...

    def trial_ended(self, record: TrialRecord) -> None: ...


class Nobody:
    """Watches nothing."""

    def trial_started(self, spec: TrialSpec) -> None: ...

    def trial_ended(self, record: TrialRecord) -> None: ...


@dataclass(frozen=True)
class Ending:
    """How a run ended, for whoever waits for its exit code; `line` says what happened, empty where all went
    well.
    """

    line: str = ""
    exit_code: int = 0


Legs = Callable[[Plan], Iterable[Plan]]
"""A run in several legs: each plan holds the trials of the one before and more. The next is asked for when one is
done.
"""


def carry_out(
    plan: Plan,
    run_id: str,
    store: RunStore,
    options: StackOptions,
    say: Callable[[str], None],
    plan_at: Callable[[float], Plan] | None = None,
    legs: Legs = lambda plan: (plan,),
    *,
    begins_with: Plan | None = None,
) -> Ending:
    """Bring everything up, run the plan and take it down again. Whatever happens, trials that had finished stay.

    `plan_at` makes the plan of a plan whose rates were assumed, once it is known how many requests a second are
    usual for its app. `legs` may end it early; `begins_with` is what is shown as planned until there is a leg.
    A gate whose head cannot be measured is kept without a trial. Raises PoolstormError where none had; then the
    run's folder is gone, too.
    """
    state, reason, exit_code = RunState.FINISHED, "", 0
    created_at: datetime | None = None
    try:
        wait_for_attached(plan.workers, say)
        with (
            RunDisplay(begins_with or plan) as display,
            running_stack(options, display.say, plan.needs_parts, fills_of(plan)) as stack,
        ):
            try:
                calibration = look_before(plan, store, RealStage(stack, plan.workers), display.say)
            except HeadBrokenError as error:
                stack.require_alive()  # else it is not the head's doing
                return _broken_before(plan, run_id, store, stack, str(error))
            if calibration is not None and plan_at is not None:
                plan = plan_at(calibration.usual_per_s)
            for leg in legs(plan):
                display.follow(leg)
                manifest = run_plan(leg, run_id, store, stack, display, calibration, created_at)
                state, reason, created_at = manifest.state, manifest.reason, manifest.created_at
                if state is not RunState.FINISHED:
                    break
    except KeyboardInterrupt:
        state = RunState.INTERRUPTED
    except PoolstormError as error:
        if state is RunState.INTERRUPTED:  # what fails on the way out does not hide Ctrl-C
            tell_of(error)
        elif not store.has_trials():
            store.discard_if_empty()
            raise
        else:
            reason, exit_code = reason or str(error), error.exit_code
    with uninterrupted():
        return _ending(store, state, reason, exit_code)


def _broken_before(plan: Plan, run_id: str, store: RunStore, stack: Stack, why: str) -> Ending:
    """Write down that there is nothing to be run, and why."""
    assert plan.gate is not None
    told = Ground(stack.require_alive, stack.database.redact)
    gate = plan.gate.model_copy(update={"broken_before": _one_line(why, told)})
    manifest = _manifest(replace(plan, trials=(), gate=gate), run_id, stack)
    ended = {"state": RunState.FINISHED, "finished_at": datetime.now(UTC)}
    store.write_manifest(manifest.model_copy(update=ended))
    return Ending()


def fills_of(plan: Plan) -> Mapping[str, Fill]:
    """What each subject's trials begin with; variants of an app share what its own set-up makes."""
    own = {subject.schema: subject for subject in plan.subjects if subject.schema.startswith(OWN_SCHEMA)}
    bank = {subject.schema: fill_bank for subject in plan.subjects if subject.schema not in own}
    return {**bank, **{schema: partial(_set_up, subject) for schema, subject in own.items()}}


def _set_up(subject: Subject, leash: Leash, url: str) -> None:
    set_up(leash, subject.launch, url)


def _ending(store: RunStore, state: RunState, reason: str, exit_code: int) -> Ending:
    if not store.has_trials():
        store.discard_if_empty()
        if state is RunState.INTERRUPTED:
            raise InterruptedRunError("interrupted before a trial had finished; nothing was kept")
        raise EnvironmentSetupError(reason or f"nothing was kept in {store.path}; see whether it was removed")
    if state is RunState.INTERRUPTED:
        return Ending(f"interrupted; the trials that had finished are reported in {store.path}", EXIT_INTERRUPTED)
    if reason:
        kept = f"the trials that had finished are kept in {store.path}"
        return Ending(f"error: {reason}; {kept}", exit_code or EXIT_USAGE)
    return Ending()


@dataclass(frozen=True)
class Ground:
    """What trials stand on, as far as a run must know: is it still there, and what must not be said of it."""

    check: Callable[[], None]  # raises EnvironmentSetupError where a part that all trials share has gone
    redact: Callable[[str], str]


def run_plan(
    plan: Plan,
    run_id: str,
    store: RunStore,
    stack: Stack,
    observer: Observer,
    calibration: Calibration | None = None,
    created_at: datetime | None = None,
) -> Manifest:
    """Run every trial of the plan that is not there yet; one that fails is recorded as such and the run goes on.
    `created_at` is that of an earlier leg of the same run.

    On KeyboardInterrupt the trial under way is dropped, the finished ones stay, and the manifest returned has
    the state `interrupted`. Where the output or a part that all trials need is lost it is `cut-short`, and says
    why.
    """
    manifest = _manifest(plan, run_id, stack, calibration, created_at)
    store.write_manifest(manifest)
    ground = Ground(stack.require_alive, stack.database.redact)
    state, reason = run_trials(plan, store, RealStage(stack, plan.workers), ground, observer)
    finished = manifest.model_copy(update={"state": state, "finished_at": datetime.now(UTC), "reason": reason})
    try:
        store.write_manifest(finished)
    except OutputError as error:
        return finished.model_copy(update={"state": RunState.CUT_SHORT, "reason": reason or str(error)})
    return finished


def _manifest(
    plan: Plan,
    run_id: str,
    stack: Stack,
    calibration: Calibration | None = None,
    created_at: datetime | None = None,
) -> Manifest:
    """What is run, as it begins."""
    return Manifest(
        run_id=run_id,
        created_at=created_at or datetime.now(UTC),
        poolstorm_version=version("poolstorm"),
        state=RunState.RUNNING,
        seed=plan.seed,
        repetitions=plan.repetitions,
        control=plan.control,
        scenarios=plan.scenarios,
        targets=tuple(subject.info(subject.told_settings) for subject in plan.subjects),
        trials=plan.trials,
        environment=describe_environment(stack.database, stack.toxiproxy),
        calibration=calibration,
        locustfile=None if plan.locustfile is None else plan.locustfile.record(),
        gate=plan.gate,
        limits=dict(plan.limits),
    )


def run_trials(
    plan: Plan, store: RunStore, stage: Stage, ground: Ground, observer: Observer
) -> tuple[RunState, str]:
    """All trials in their order; how it ended, and why where it was cut short."""
    try:
        for block in blocks_of(spec for spec in plan.trials if not store.is_kept(spec.id)):
            with ExitStack() as folders:
                kept = tuple((spec, folders.enter_context(store.trial(spec.id))) for spec in block)
                for spec in block:
                    observer.trial_started(spec)
                records = _guarded_trials(plan, kept, stage, ground)
                for (_, folder), record in zip(kept, records, strict=True):
                    store.keep(folder, record)
            for record in records:
                observer.trial_ended(record)
            if any(
                record.state is TrialState.FAILED for record in records
            ):  # their own affair, or the end of all?
                store.require_room()
                ground.check()
    except KeyboardInterrupt:
        return RunState.INTERRUPTED, ""
    except (OutputError, EnvironmentSetupError) as error:
        return RunState.CUT_SHORT, _one_line(str(error), ground)
    return RunState.FINISHED, ""


def _guarded_trials(plan: Plan, kept: Sequence[Kept], stage: Stage, ground: Ground) -> tuple[TrialRecord, ...]:
    """Trials at once; whatever goes wrong but the output becomes their records, in one line without secrets."""
    started_at, started_s = datetime.now(UTC), time.monotonic()

    def failed(spec: TrialSpec, reason: str, asked: tuple[Conformance, ...] = ()) -> TrialRecord:
        return TrialRecord(
            spec=spec,
            state=TrialState.FAILED,
            reason=reason,
            started_at=started_at,
            duration_s=time.monotonic() - started_s,
            origin_monotonic_ns=0,
            target=plan.subject(spec.target).info(),
            conformance=asked,
        )

    try:
        return run_at_once(plan, kept, stage)
    except OutputError:
        raise
    except BlockFailedError as error:
        reason, cause = _told(error.cause, ground), error.cause
        asked = cause.results if isinstance(cause, WrongAnswersError) else ()
        beside = f"the trial beside it, {error.spec.id}, failed"
        return tuple(
            failed(spec, reason, asked) if spec == error.spec else failed(spec, beside) for spec, _ in kept
        )
    except Exception as error:
        return tuple(failed(spec, _told(error, ground)) for spec, _ in kept)


def _told(error: Exception, ground: Ground) -> str:
    known = isinstance(error, PoolstormError)
    return _one_line(str(error) if known else f"{type(error).__name__}: {error}", ground)


def _one_line(text: str, ground: Ground) -> str:
    return " ".join(ground.redact(text).split())
