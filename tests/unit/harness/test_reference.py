"""docs/reference.md says what the program does."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness import reference
from harness.completion import SCENARIOS, TARGETS

PAGE = Path(__file__).parents[3] / reference.PLACE


def test_the_page_is_what_the_program_says(pytestconfig: pytest.Config) -> None:
    """Where it is not: `python -m harness.reference`, or this test with --update-golden."""
    made = reference.reference()
    if pytestconfig.getoption("update_golden"):
        PAGE.write_text(made, encoding="utf-8")
    assert made == PAGE.read_text(encoding="utf-8")


def test_every_name_that_can_be_given_is_on_it() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert [name for name in (*TARGETS, *SCENARIOS) if f"| `{name}` |" not in page] == []


def test_a_field_that_nothing_is_said_of_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(reference._APP, "setup")
    with pytest.raises(KeyError, match="setup"):
        reference.reference()
