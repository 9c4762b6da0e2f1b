"""docs/run-format.md and harness/records say the same."""

from __future__ import annotations

import dataclasses
import re
from enum import StrEnum
from pathlib import Path

import pytest

from harness import records

DOCUMENT = Path(__file__).parents[3] / "docs" / "run-format.md"
MODELS = {
    model.__name__: set(model.model_fields)
    for model in vars(records).values()
    if isinstance(model, type) and issubclass(model, records.Record) and model is not records.Record
}
FIELDS = {**MODELS, "SeriesKey": {field.name for field in dataclasses.fields(records.SeriesKey)}}


def documented_fields() -> dict[str, list[str]]:
    """Heading of the third level -> first column of the table of fields under it."""
    found: dict[str, list[str]] = {}
    for section in re.split(r"^#{2,3} ", DOCUMENT.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        heading, _, body = section.partition("\n")
        table = body.partition("| field |")[2].partition("\n\n")[0]
        fields = re.findall(r"^\| `(\w+)` \|", table, flags=re.MULTILINE)
        if fields:
            found[heading.strip()] = fields
    return found


def test_every_record_is_documented() -> None:
    assert set(documented_fields()) == set(FIELDS)


@pytest.mark.parametrize("name", sorted(FIELDS))
def test_fields_are_those_of_the_record(name: str) -> None:
    assert sorted(documented_fields()[name]) == sorted(FIELDS[name])


@pytest.mark.parametrize(
    "kinds", [records.MarkKind, records.Outcome, records.Measure, records.RunState, records.TrialState]
)
def test_every_value_is_explained(kinds: type[StrEnum]) -> None:
    text = DOCUMENT.read_text(encoding="utf-8")

    assert [kind.value for kind in kinds if f"`{kind.value}`" not in text] == []


@pytest.mark.parametrize(
    "name",
    [
        "MANIFEST_FILE",
        "TRIALS_DIR",
        "TRIAL_FILE",
        "LATENCY_FILE",
        "MARKS_FILE",
        "READINGS_FILE",
        "WRITES_FILE",
        "STORED_FILE",
        "PARTIAL_PREFIX",
    ],
)
def test_every_file_is_named(name: str) -> None:
    assert getattr(records, name) in DOCUMENT.read_text(encoding="utf-8")


def test_version_is_the_current_one() -> None:
    assert DOCUMENT.read_text(encoding="utf-8").startswith(f"# The run folder, format {records.FORMAT_VERSION}\n")
