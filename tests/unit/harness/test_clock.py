"""No duration hangs on the wall clock, which may step while a trial runs."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]
SOURCES = sorted(
    path
    for package in ("targets", "scenarios", "harness", "reports")
    for path in (REPOSITORY / package).rglob("*.py")
)
WALL_CLOCKS = {"time", "time_ns", "localtime", "gmtime"}
CALENDAR = {
    "harness/catalogue/carrying.py",
    "harness/claims.py",
    "harness/cli_baseline.py",
    "harness/gate/telling.py",
    "harness/gate/calibration_begun.py",
    "harness/options.py",
    "harness/run.py",
    "harness/trial.py",
}
"""Name a run, note when it began, and say whether an acceptance is past; nothing is computed from these."""
AS_WRITTEN = {"targets/tutorial/slow_query_log.py"}
"""The tutorial's own code, whose log is what is measured; no figure of ours is computed from it."""


def readings_of_the_wall_clock(source: str) -> Iterator[int]:
    """Lines that read it through the module `time` or through `datetime.now`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module == "time":
            if WALL_CLOCKS & {alias.name for alias in node.names}:
                yield node.lineno
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            of_time = node.value.id == "time" and node.attr in WALL_CLOCKS
            of_datetime = node.value.id == "datetime" and node.attr in {"now", "utcnow", "today"}
            if of_time or of_datetime:
                yield node.lineno


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("import time\ntime.time()", [2]),
        ("from time import time_ns", [1]),
        ("from datetime import datetime\n\ndatetime.now()", [3]),
        ("import time\ntime.monotonic_ns()", []),
    ],
)
def test_the_search_finds_what_it_is_for(source: str, lines: list[int]) -> None:
    assert lines == list(readings_of_the_wall_clock(source))


def test_only_the_calendar_is_read_from_the_wall_clock() -> None:
    assert len(SOURCES) > 50
    found = {
        str(path.relative_to(REPOSITORY))
        for path in SOURCES
        if list(readings_of_the_wall_clock(path.read_text(encoding="utf-8")))
    }
    assert CALENDAR | AS_WRITTEN == found
