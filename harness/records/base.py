"""What all records have in common, and the names of the files that hold them."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

FORMAT = "poolstorm-run"
FORMAT_VERSION = 1
"""Written. Version 2 closes every stream with a count (`harness.records.closing`)."""

MANIFEST_FILE = "manifest.json"
TRIALS_DIR = "trials"
TRIAL_FILE = "trial.json"
LATENCY_FILE = "latency.hlog"
MARKS_FILE = "marks.jsonl"
READINGS_FILE = "readings.jsonl"
WRITES_FILE = "writes.jsonl"
PARTIAL_PREFIX = ".partial-"

FORMAT_1_PARTS = {"target": "app", "generator": "generator", "proxy": "proxy", "database": "primary"}
"""How format 1 called the parts whose processor time it told."""


class Record(BaseModel):
    """Base of all records. Unknown fields are ignored, so that a later minor addition stays readable."""

    model_config = ConfigDict(frozen=True, extra="ignore", ser_json_inf_nan="null")
