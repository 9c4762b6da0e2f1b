"""`claims.json`: which experiments were run for the statements, beside a run folder for each."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from harness.records.base import FORMAT_VERSION, Identity, Record, Whole
from harness.records.manifest import RunState

CLAIMS_FILE = "claims.json"
CLAIMS_FORMAT = "poolstorm-claims"
CLAIMS_VERSION = FORMAT_VERSION


class ExperimentRun(Record):
    """One experiment: its run lies in the folder of its name."""

    name: Identity
    run_id: Identity
    state: RunState
    reason: str = ""


class ClaimsRecord(Record):
    """What was done to rule on statements; rewritten as each experiment ends."""

    format: Literal["poolstorm-claims"] = "poolstorm-claims"
    version: Whole = CLAIMS_VERSION
    claims_id: Identity
    created_at: datetime
    poolstorm_version: str
    quick: bool
    seed: Whole
    state: RunState
    reason: str = ""
    planned: tuple[Identity, ...]
    experiments: tuple[ExperimentRun, ...] = ()
