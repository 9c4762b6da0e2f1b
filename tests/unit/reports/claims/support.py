"""Synthetic folders of claims: runs of a test's choosing, as `poolstorm claims` would have left them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.records import CLAIMS_FILE, ClaimsRecord, RunState, sealed
from reports.claims.evidence import Evidence, read_evidence
from tests.unit.reports.builder import CREATED_AT, TrialBuilder, write_run


def write_claims(path: Path, runs: Mapping[str, Sequence[TrialBuilder]], **changes: object) -> Path:
    """A folder with a run for each experiment; `changes` replace fields of its record."""
    path.mkdir(parents=True, exist_ok=True)
    for name, trials in runs.items():
        for trial in trials:
            trial.run_id = f"claims-1-{name}"
        write_run(path / name, list(trials), run_id=f"claims-1-{name}")
    record = ClaimsRecord(
        claims_id="claims-1",
        created_at=CREATED_AT,
        poolstorm_version="0.1.0",
        quick=False,
        seed=1,
        state=RunState.FINISHED,
        planned=tuple(runs),
    ).model_copy(update=changes)
    (path / CLAIMS_FILE).write_text(sealed(record.model_dump_json()))
    return path


def evidence_of(path: Path, runs: Mapping[str, Sequence[TrialBuilder]], **changes: object) -> Evidence:
    """What a ruling would get of such a folder."""
    return read_evidence(write_claims(path, runs, **changes))
