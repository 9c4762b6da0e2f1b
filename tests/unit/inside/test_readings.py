"""What is read of the probe, as a record: newer and older ones, and what none may hold."""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from harness.records import InsideReading, TimesReading
from harness.records.readings import decode_reading

OLDER = {"source": "inside", "t_ns": 5, "processes": 1, "lag_max_ms": 0.5, "oldest_ms": None, "oldest_place": ""}


def test_an_older_reading_tells_nothing_of_what_was_not_told_then() -> None:
    found = decode_reading(json.dumps(OLDER))
    assert isinstance(found, InsideReading)
    assert found.errors is None
    first_new = list(InsideReading.model_fields).index("errors")
    assert {getattr(found, name) for name in list(InsideReading.model_fields)[first_new:]} == {None}


def test_older_times_have_no_sum() -> None:
    line = {"source": "times", "t_ns": 5, "phase": "steady", "of": "held", "count": 1}
    quantiles = dict.fromkeys(("p50_ms", "p90_ms", "p99_ms", "max_ms"), 1.5)
    found = decode_reading(json.dumps({**line, **quantiles}))
    assert isinstance(found, TimesReading)
    assert found.sum_ms is None


@pytest.mark.parametrize("kind", ["57014", "pool-timeout", "08P01"])
def test_an_error_has_an_sqlstate_or_a_word(kind: str) -> None:
    found = decode_reading(json.dumps({**OLDER, "errors": {kind: 3}}))
    assert isinstance(found, InsideReading)
    assert found.errors == {kind: 3}


@pytest.mark.parametrize("errors", [{"<b>": 1}, {"57014": -1}, {"570140": 1}, {"": 1}])
def test_what_is_no_kind_or_no_count_makes_a_reading_damaged(errors: dict[str, int]) -> None:
    with pytest.raises(ValidationError):
        decode_reading(json.dumps({**OLDER, "errors": errors}))
