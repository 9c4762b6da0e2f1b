"""`claims.json`: which experiments were run for the statements, beside a run folder for each."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from harness.records.base import FORMAT_VERSION, Identity, Record, Whole
from harness.records.manifest import RunState

CLAIMS_FILE = "claims.json"
CLAIMS_FORMAT = "poolstorm-claims"
CLAIMS_VERSION = FORMAT_VERSION
MOST_EXPERIMENTS = 100


class ClaimsRecord(Record):
    """What was to be run for statements, and how that ended.

    The run of an experiment lies in the folder of its name, and bears the id `<claims_id>-<name>`.
    """

    format: Literal["poolstorm-claims"] = "poolstorm-claims"
    version: Whole = CLAIMS_VERSION
    claims_id: Identity
    created_at: datetime
    poolstorm_version: str
    quick: bool
    seed: Whole
    state: RunState
    reason: str = ""
    planned: Annotated[
        tuple[Identity, ...], Field(max_length=MOST_EXPERIMENTS)
    ]  # experiments, in the order of running

    def run_id(self, experiment: str) -> str:
        """The id of an experiment's run."""
        return f"{self.claims_id}-{experiment}"
