"""Run the experiments behind the tutorial's statements, each into a run folder of its own; judge nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from harness.collection import Collection, carry_out_all
from harness.environment.stack import StackOptions
from harness.experiments import Experiment, plan_of
from harness.records import CLAIMS_FILE, ClaimsRecord, RunState
from harness.run import Ending


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
    """Run each experiment; as `harness.collection.carry_out_all` does."""
    plans = [(experiment.name, plan_of(experiment, quick=quick, seed=seed)) for experiment in chosen]
    plans.sort(key=lambda named: sorted(named[1].needs_parts))
    record = ClaimsRecord(
        claims_id=claims_id,
        created_at=datetime.now(UTC),
        poolstorm_version=version("poolstorm"),
        quick=quick,
        seed=seed,
        state=RunState.RUNNING,
        planned=tuple(name for name, _ in plans),
    )
    return carry_out_all(Collection.create(folder, CLAIMS_FILE, record), plans, options, say)
