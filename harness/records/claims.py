"""`claims.json`: which experiments were run for the statements, beside a run folder for each."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from harness.records.base import FORMAT_VERSION, Identity, Whole
from harness.records.collection import CollectionRecord

CLAIMS_FILE = "claims.json"
CLAIMS_FORMAT = "poolstorm-claims"
CLAIMS_VERSION = FORMAT_VERSION


class ClaimsRecord(CollectionRecord):
    """What was to be run for statements: `planned` names experiments."""

    format: Literal["poolstorm-claims"] = "poolstorm-claims"
    version: Whole = CLAIMS_VERSION
    claims_id: Identity
    created_at: datetime
    poolstorm_version: str
    quick: bool
    seed: Whole

    @property
    def id(self) -> str:
        return self.claims_id
