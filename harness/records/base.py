"""What all records have in common, and the names of the files that hold them."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

FORMAT = "poolstorm-run"
FORMAT_VERSION = 2
"""Written. Since version 2 every stream is closed with a count, and documents bear a seal: see
`harness.records.closing`. Version 1 is still read."""

MANIFEST_FILE = "manifest.json"
TRIALS_DIR = "trials"
TRIAL_FILE = "trial.json"
LATENCY_FILE = "latency.hlog"
MARKS_FILE = "marks.jsonl"
READINGS_FILE = "readings.jsonl"
WRITES_FILE = "writes.jsonl"
STORED_FILE = "stored.jsonl"
PARTIAL_PREFIX = ".partial-"

FORMAT_1_PARTS = {"target": "app", "generator": "generator", "proxy": "proxy", "database": "primary"}
"""How format 1 called the parts whose processor time it told."""


LARGEST_WHOLE = 2**62
LARGEST_REAL = 1e18

Whole = Annotated[int, Field(ge=-LARGEST_WHOLE, le=LARGEST_WHOLE)]
"""A count or a time of a record. More than it may hold was never counted, and would not fit into what reads it."""
Count = Annotated[int, Field(ge=0, le=LARGEST_WHOLE)]
"""How many of something: never fewer than none."""
Real = Annotated[float, Field(ge=-LARGEST_REAL, le=LARGEST_REAL, allow_inf_nan=False)]
"""A measured number of a record: finite."""
Spent = Annotated[float, Field(ge=0, le=LARGEST_REAL, allow_inf_nan=False)]
"""A length of time that something took: finite, and never less than none."""


Identity = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=200)]
"""A name that files and folders are called by: no path, and nothing that a terminal or a page could take amiss."""


class Record(BaseModel):
    """Base of all records. Unknown fields are ignored, so that a later minor addition stays readable."""

    model_config = ConfigDict(frozen=True, extra="ignore", ser_json_inf_nan="null")
