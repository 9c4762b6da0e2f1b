"""Run the chosen failures; judge nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from harness.catalogue.rows import plan_of_failure
from harness.collection import Collection, carry_out_all
from harness.environment.stack import StackOptions
from harness.records import CATALOGUE_FILE, CatalogueRecord, RunState
from harness.run import Ending
from scenarios.failures import Failure


def carry_out_catalogue(
    chosen: Sequence[Failure],
    folder: Path,
    catalogue_id: str,
    options: StackOptions,
    say: Callable[[str], None],
    *,
    repetitions: int,
    seed: int,
    probe: bool = True,
) -> Ending:
    """Bring each out; as `harness.collection.carry_out_all` does."""
    plans = [(failure.id, plan_of_failure(failure, repetitions, seed, probe=probe)) for failure in chosen]
    record = CatalogueRecord(
        catalogue_id=catalogue_id,
        created_at=datetime.now(UTC),
        poolstorm_version=version("poolstorm"),
        repetitions=repetitions,
        seed=seed,
        state=RunState.RUNNING,
        planned=tuple(name for name, _ in plans),
    )
    return carry_out_all(Collection.create(folder, CATALOGUE_FILE, record), plans, options, say)
