"""Several plans, each into a run folder of its own within one folder; judges nothing."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
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
)
from harness.files import making_output, require_empty, write_atomically, writing
from harness.interrupts import uninterrupted
from harness.plan import Plan
from harness.records import RunState, sealed
from harness.records.collection import CollectionRecord
from harness.run import Ending, fills_of, run_plan
from harness.store import RUN_AGAIN, RunStore
from harness.terminal import RunDisplay

Named = tuple[str, Plan]
"""A plan, and the folder of its run."""


@dataclass
class Collection:
    """The folder: its record in `file`, and a run folder for each plan."""

    path: Path
    file: str
    record: CollectionRecord
    _made: tuple[Path, ...] = field(default=())

    @classmethod
    def create(cls, path: Path, file: str, record: CollectionRecord) -> Collection:
        """Make the folder. Raises RunDirectoryError where it holds anything, or cannot be made."""
        with making_output(path):
            require_empty(path)
            made = tuple(parent for parent in path.parents if not parent.exists())
            path.mkdir(parents=True, exist_ok=True)
        collection = cls(path, file, record, made)
        collection.write()
        return collection

    def write(self) -> None:
        """Replace the record. Raises OutputError."""
        with writing(self.path, RUN_AGAIN):
            write_atomically(self.path / self.file, sealed(self.record.model_dump_json()))

    def has_trials(self) -> bool:
        """Whether a trial of any run was kept."""
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


def carry_out_all(
    collection: Collection,
    plans: Sequence[Named],
    options: StackOptions,
    say: Callable[[str], None],
) -> Ending:
    """Bring everything up, run each plan, and keep what had been measured however it ends.

    Those that need further parts, such as a replica, come last and have a stack of their own: it takes processor
    time, and primaries commit otherwise. Raises PoolstormError where nothing had been measured; then the folder is
    gone, too.
    """
    ordered = sorted(plans, key=lambda named: sorted(named[1].needs_parts))
    state, reason, code = RunState.FINISHED, "", 0
    try:
        for needs, group in groupby(enumerate(ordered, 1), key=lambda numbered: numbered[1][1].needs_parts):
            together = list(group)
            fills = {holding: fill for _, (_, plan) in together for holding, fill in fills_of(plan).items()}
            with running_stack(options, say, needs, fills) as stack:
                for number, (name, plan) in together:
                    say(f"{name} ({number} of {len(ordered)})")
                    with RunDisplay(plan) as display:
                        state, reason = _run_one(collection, name, plan, stack, display)
                    if state is not RunState.FINISHED:
                        break
            if state is not RunState.FINISHED:
                break
    except KeyboardInterrupt:
        state = RunState.INTERRUPTED
    except PoolstormError as error:
        state, reason, code = RunState.CUT_SHORT, str(error), error.exit_code
    with uninterrupted():
        return _ending(collection, state, reason, code)


def _run_one(
    collection: Collection, name: str, plan: Plan, stack: Stack, display: RunDisplay
) -> tuple[RunState, str]:
    run = RunStore.create(collection.path / name)
    try:
        manifest = run_plan(plan, collection.record.run_id(name), run, stack, display)
    finally:
        run.discard_if_empty()
    return manifest.state, manifest.reason


def _ending(collection: Collection, state: RunState, reason: str, code: int) -> Ending:
    if not collection.has_trials():
        collection.discard_if_empty()
        if state is RunState.INTERRUPTED:
            raise InterruptedRunError("interrupted before a trial had finished; nothing was kept")
        raise EnvironmentSetupError(reason or f"nothing was kept in {collection.path}; see whether it was removed")
    try:
        collection.end(state, reason)
    except OutputError as error:
        state, reason = RunState.CUT_SHORT, reason or str(error)
    kept = f"what had been measured is kept in {collection.path}"
    if state is RunState.INTERRUPTED:
        return Ending(f"interrupted; {kept}", EXIT_INTERRUPTED)
    if state is RunState.CUT_SHORT:
        return Ending(f"error: {reason}; {kept}", code or EXIT_USAGE)
    return Ending()
