"""A whole trial, read from top to bottom. What is real about it is the stage's affair; the order is decided
here.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

from harness.injection import injecting
from harness.journal import Journal
from harness.load.account import unaccounted
from harness.load.messages import LoadAccount
from harness.plan import Plan, load_seed
from harness.records import (
    TrialRecord,
    TrialSpec,
    TrialState,
    reading_every_s,
)
from harness.sampling import sampling
from harness.scene import Setup, Stage, Witness
from harness.store import TrialFolder
from harness.timeline import fault_steps

HEAD_START_NS = 150_000_000
"""From the word to the first request: time for the word to arrive and for the samplers to be up."""


def run_trial(plan: Plan, spec: TrialSpec, stage: Stage, folder: TrialFolder) -> TrialRecord:
    """Everything fresh, and right answers first; then load, faults and gauges on one clock; then the witnesses
    again.

    Raises what the stage, a fault or a witness raises; then there is nothing to record but that.
    """
    scenario, subject = plan.scenario(spec.scenario), plan.subject(spec.target)
    setup = Setup(
        trial_id=spec.id,
        subject=subject,
        scenario=scenario,
        settings=plan.pool_settings(spec.target, spec.scenario),
        seed=load_seed(plan.seed, spec.repetition),
    )
    started_at, started_s = datetime.now(UTC), time.monotonic()
    journal = Journal(folder)
    with stage.set(setup, folder, journal) as scene, _called(stage.witnesses(scene)) as witnesses:
        for witness in witnesses:
            witness.before()
        scene.load.start(journal.begin(HEAD_START_NS))
        with (
            sampling(scene.gauges, journal, scene.load.phase_ends, scene.open_times),
            injecting(fault_steps(scenario), scene.parts, journal) as injection,
        ):
            scene.load.wait_drained()
            for witness in reversed(witnesses):
                witness.drained()
            account = scene.load.wait()
        ended = scene.subject_ended()
        injection.check()
        for witness in reversed(witnesses):
            witness.after(account)
        scene.end_subject()
        for witness in witnesses:
            witness.ended()
    state, reason = _judged(account, plan.workers.count, ended)
    record = TrialRecord(
        spec=spec,
        state=state,
        reason=reason,
        workers=plan.workers.count,
        started_at=started_at,
        duration_s=time.monotonic() - started_s,
        origin_monotonic_ns=journal.origin_ns,
        target=subject.info(),
        starting_s=scene.starting_s,
        reading_every_s=reading_every_s(scenario),
        closing=account.closing(),
        notes=account.notes,
    )
    for witness in witnesses:
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
