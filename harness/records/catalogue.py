"""`catalogue.json`: which failures were brought out, beside a run folder for each."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from harness.records.base import FORMAT_VERSION, Identity, Whole
from harness.records.collection import CollectionRecord

CATALOGUE_FILE = "catalogue.json"
CATALOGUE_FORMAT = "poolstorm-catalogue"
CATALOGUE_VERSION = FORMAT_VERSION


class CatalogueRecord(CollectionRecord):
    """What was to be run of the failure catalogue: `planned` names failures. `skipped` says, by
    their id, why others could not be brought out here.
    """

    format: Literal["poolstorm-catalogue"] = "poolstorm-catalogue"
    version: Whole = CATALOGUE_VERSION
    catalogue_id: Identity
    created_at: datetime
    poolstorm_version: str
    repetitions: Whole
    seed: Whole
    skipped: dict[str, str] = Field(default_factory=dict)

    @property
    def id(self) -> str:
        return self.catalogue_id
