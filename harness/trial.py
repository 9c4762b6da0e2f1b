"""A whole trial, read from top to bottom. What is real about it is the stage's affair; the order is decided
here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime

from harness.errors import OutputError
from harness.injection import Injection, injecting
from harness.journal import Journal
from harness.load.account import unaccounted
from harness.load.messages import LoadAccount
from harness.plan import Plan, load_seed
from harness.records import TrialRecord, TrialSpec, TrialState, reading_every_s
from harness.sampling import sampling
from harness.scene import Scene, Setup, Stage, Witness
from harness.store import TrialFolder
from harness.timeline import fault_steps

HEAD_START_NS = 150_000_000
"""From the word to the first request: time for the word to arrive and for the samplers to be up."""

Kept = tuple[TrialSpec, TrialFolder]
"""A trial and where it is recorded."""


class BlockFailedError(Exception):
    """What one of the trials that ran at the same time raised: `cause`, and the trial's `spec`."""

    def __init__(self, spec: TrialSpec, cause: Exception) -> None:
        super().__init__(str(cause))
        self.spec, self.cause = spec, cause


def run_trial(plan: Plan, spec: TrialSpec, stage: Stage, folder: TrialFolder) -> TrialRecord:
    """Everything fresh, and right answers first; then load, faults and gauges on one clock; then the witnesses
    again.

    Raises what the stage, a fault or a witness raises; then there is nothing to record but that.
    """
    try:
        (record,) = run_at_once(plan, ((spec, folder),), stage)
    except BlockFailedError as error:
        raise error.cause from None
    return record


def run_at_once(plan: Plan, block: Sequence[Kept], stage: Stage) -> tuple[TrialRecord, ...]:
    """Trials on one clock, each step taken by all of them before the next: they are set up in the order given, and
    their loads begin at the same moment.

    Raises BlockFailedError for the first that fails; then there is nothing of the others either.
    """
    trials = [_Trial(plan, spec, folder) for spec, folder in block]
    with ExitStack() as up:
        _each(trials, lambda one: one.set_up(stage, up))
        _each(trials, _Trial.ask_before)
        origin_ns = time.monotonic_ns() + HEAD_START_NS
        _each(trials, lambda one: one.begin(origin_ns))
        with ExitStack() as at_work:
            _each(trials, lambda one: one.sample_and_break(at_work))
            _each(trials, _Trial.wait_drained)
            _each(trials, _Trial.finish_load)
        _each(trials, _Trial.ask_after)
    return tuple(one.record() for one in trials)


def _each(trials: Sequence[_Trial], step: Callable[[_Trial], None]) -> None:
    """One step of all. What one raises is told as its own, but for what ends the run."""
    for one in trials:
        try:
            step(one)
        except OutputError:
            raise
        except Exception as error:
            raise BlockFailedError(one.spec, error) from error


class _Trial:
    """One trial under way; its steps are taken in the order in which they stand here."""

    def __init__(self, plan: Plan, spec: TrialSpec, folder: TrialFolder) -> None:
        self.spec = spec
        self._folder = folder
        self._workers = plan.workers.count
        self._setup = Setup(
            trial_id=spec.id,
            subject=plan.subject(spec.target),
            scenario=plan.scenario(spec.scenario),
            settings=plan.pool_settings(spec.target, spec.scenario),
            seed=load_seed(plan.seed, spec.repetition),
            counts_routes=plan.counts_routes,
        )
        self._started_at, self._started_s = datetime.now(UTC), time.monotonic()
        self._journal = Journal(folder)
        self._scene: Scene
        self._witnesses: Sequence[Witness]
        self._injection: Injection
        self._account: LoadAccount
        self._ended = ""

    def set_up(self, stage: Stage, up: ExitStack) -> None:
        """All that `up` takes down again."""
        self._scene = up.enter_context(stage.set(self._setup, self._folder, self._journal))
        self._witnesses = up.enter_context(_called(stage.witnesses(self._scene)))

    def ask_before(self) -> None:
        for witness in self._witnesses:
            witness.before()

    def begin(self, origin_ns: int) -> None:
        self._scene.load.start(self._journal.begin_at(origin_ns))

    def sample_and_break(self, at_work: ExitStack) -> None:
        """From now on, until `at_work` ends."""
        scene = self._scene
        at_work.enter_context(sampling(scene.gauges, self._journal, scene.load.phase_ends, scene.open_times))
        steps = fault_steps(scene.setup.scenario)
        self._injection = at_work.enter_context(injecting(steps, scene.parts, self._journal))

    def wait_drained(self) -> None:
        self._scene.load.wait_drained()
        for witness in reversed(self._witnesses):
            witness.drained()

    def finish_load(self) -> None:
        self._account = self._scene.load.wait()

    def ask_after(self) -> None:
        """And end the subject."""
        self._ended = self._scene.subject_ended()
        self._injection.check()
        for witness in reversed(self._witnesses):
            witness.after(self._account)
        self._scene.end_subject()
        for witness in self._witnesses:
            witness.ended()

    def record(self) -> TrialRecord:
        state, reason = _judged(self._account, self._workers, self._ended)
        record = TrialRecord(
            spec=self.spec,
            state=state,
            reason=reason,
            subject_ended=self._ended,
            workers=self._workers,
            started_at=self._started_at,
            duration_s=time.monotonic() - self._started_s,
            origin_monotonic_ns=self._journal.origin_ns,
            target=self._setup.subject.info(),
            starting_s=self._scene.starting_s,
            reading_every_s=reading_every_s(self._setup.scenario),
            closing=self._account.closing(),
            notes=self._account.notes,
        )
        for witness in self._witnesses:
            record = witness.tell(record)
        return record


@contextmanager
def _called(witnesses: Sequence[Witness]) -> Iterator[Sequence[Witness]]:
    try:
        yield witnesses
    finally:
        for witness in witnesses:
            witness.close()


def _judged(account: LoadAccount, workers: int, ended: str) -> tuple[TrialState, str]:
    """A load of which something is missing makes no figures, nor does a subject that was gone for a part of it."""
    if ended:
        return TrialState.INVALID, f"during the trial {ended}"
    if account.workers_lost:
        return TrialState.INVALID, f"{account.workers_lost} of {workers} load workers died; run it again"
    if missing := unaccounted(account):
        return TrialState.INVALID, f"not every request is in the record: {missing}; run it again"
    return TrialState.COMPLETED, ""
