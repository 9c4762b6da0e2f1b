"""Run the experiments behind the tutorial's statements, each into a run folder of its own; judge nothing."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import groupby
from pathlib import Path

from harness.environment.stack import Stack, StackOptions, running_stack
from harness.errors import (
    EXIT_INTERRUPTED,
    EXIT_USAGE,
    EnvironmentSetupError,
    InterruptedRunError,
    OutputError,
    PoolstormError,
    RunDirectoryError,
)
from harness.experiments import Experiment, plan_of
from harness.files import write_atomically
from harness.interrupts import uninterrupted
from harness.plan import Plan
from harness.records import CLAIMS_FILE, ClaimsRecord, RunState, sealed
from harness.run import Ending, run_plan
from harness.store import RunStore
from harness.terminal import RunDisplay


@dataclass
class ClaimsStore:
    """The folder of the claims: `claims.json`, and a run folder for each experiment."""

    path: Path
    record: ClaimsRecord
    _made: tuple[Path, ...] = field(default=())

    @classmethod
    def create(cls, path: Path, record: ClaimsRecord) -> ClaimsStore:
        """Make the folder. Raises RunDirectoryError where it holds anything, or cannot be made."""
        try:
            if path.exists() and (not path.is_dir() or any(path.iterdir())):
                raise RunDirectoryError(f"output {path} exists already; name another with --output, or remove it")
            made = tuple(parent for parent in path.parents if not parent.exists())
            path.mkdir(parents=True, exist_ok=True)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise RunDirectoryError(
                f"output {path} cannot be written ({reason}); name another with --output"
            ) from error
        store = cls(path, record, made)
        store.write()
        return store

    def write(self) -> None:
        """Replace `claims.json`. Raises OutputError."""
        try:
            write_atomically(self.path / CLAIMS_FILE, sealed(self.record.model_dump_json()))
        except OSError as error:
            raise OutputError(
                f"{self.path} can no longer be written ({error.strerror}); make room or mend its permissions"
            ) from error

    def has_trials(self) -> bool:
        """Whether a trial of any experiment was kept."""
        return any(RunStore(self.path / name).has_trials() for name in self.record.planned)

    def end(self, state: RunState, reason: str) -> None:
        """No more will come."""
        self.record = self.record.model_copy(update={"state": state, "reason": reason})
        self.write()

    def discard_if_empty(self) -> None:
        """Take the folder away again where nothing was measured."""
        if self.has_trials():
            return
        shutil.rmtree(self.path, ignore_errors=True)
        with suppress(OSError):
            for parent in self._made:
                parent.rmdir()


def carry_out_claims(
    chosen: Sequence[Experiment],
    folder: Path,
    claims_id: str,
    options: StackOptions,
    say: Callable[[str], None],
    *,
    quick: bool,
    seed: int,
) -> Ending:
    """Bring everything up, run each experiment, and keep what had been measured however it ends.

    Those that need a replica come last and have a stack of their own: it takes processor time, and primaries
    commit otherwise. Raises PoolstormError where nothing had; then the folder is gone, too.
    """
    plans = [(experiment.name, plan_of(experiment, quick=quick, seed=seed)) for experiment in chosen]
    plans.sort(key=lambda named: sorted(named[1].needs_parts))
    store = ClaimsStore.create(
        folder,
        ClaimsRecord(
            claims_id=claims_id,
            created_at=datetime.now(UTC),
            poolstorm_version=version("poolstorm"),
            quick=quick,
            seed=seed,
            state=RunState.RUNNING,
            planned=tuple(name for name, _ in plans),
        ),
    )
    state, reason, code = RunState.FINISHED, "", 0
    try:
        for needs, group in groupby(enumerate(plans, 1), key=lambda numbered: numbered[1][1].needs_parts):
            with running_stack(options, say, needs) as stack:
                for number, (name, plan) in group:
                    say(f"{name} ({number} of {len(plans)})")
                    with RunDisplay(plan) as display:
                        state, reason = _run_one(store, name, plan, stack, display)
                    if state is not RunState.FINISHED:
                        break
            if state is not RunState.FINISHED:
                break
    except KeyboardInterrupt:
        state = RunState.INTERRUPTED
    except PoolstormError as error:
        state, reason, code = RunState.CUT_SHORT, str(error), error.exit_code
    with uninterrupted():
        return _ending(store, state, reason, code)


def _run_one(store: ClaimsStore, name: str, plan: Plan, stack: Stack, display: RunDisplay) -> tuple[RunState, str]:
    run = RunStore.create(store.path / name)
    try:
        manifest = run_plan(plan, store.record.run_id(name), run, stack, display)
    finally:
        run.discard_if_empty()
    return manifest.state, manifest.reason


def _ending(store: ClaimsStore, state: RunState, reason: str, code: int) -> Ending:
    if not store.has_trials():
        store.discard_if_empty()
        if state is RunState.INTERRUPTED:
            raise InterruptedRunError("interrupted before a trial had finished; nothing was kept")
        raise EnvironmentSetupError(reason or f"nothing was kept in {store.path}; see whether it was removed")
    try:
        store.end(state, reason)
    except OutputError as error:
        state, reason = RunState.CUT_SHORT, reason or str(error)
    kept = f"what had been measured is kept in {store.path}"
    if state is RunState.INTERRUPTED:
        return Ending(f"interrupted; {kept}", EXIT_INTERRUPTED)
    if state is RunState.CUT_SHORT:
        return Ending(f"error: {reason}; {kept}", code or EXIT_USAGE)
    return Ending()
