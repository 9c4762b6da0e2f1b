"""Text for a terminal, readable at 80 columns, with colours or without."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from rich.console import Console
from rich.padding import Padding
from rich.table import Table as RichTable
from rich.text import Text

from reports.compare import Comparison
from reports.formats import Format
from reports.formats.console import console_of, plain_text, say, text_of
from reports.summary import Caveat, CheckVerdict, Summary
from reports.view import ScenarioView, view_comparison, view_report
from reports.view.compared import CHANGED_IN_SHORT, COUNTS_COMPARED
from reports.view.costs import PARTS
from reports.view.faults import FAULTS
from reports.view.findings import FindingsView
from reports.view.ladder import LADDER, ROUND_TRIPS
from reports.view.table import Column, Table

_OF_LIMITS = {CheckVerdict.BROKEN: "broken", CheckVerdict.UNDECIDED: "undecided", CheckVerdict.PASSED: "kept"}
_STYLES = {CheckVerdict.BROKEN: "bold red", CheckVerdict.UNDECIDED: "yellow", CheckVerdict.PASSED: "green"}


_PHASES = ("phase", "target", "ok", "p50", "half", "p90", "p99", "max", "ratio", "errors")
_COMPARED = (
    ("p50-a", "p50-b", "p50-ratio", "p99-a", "p99-b", "p99-ratio"),
    ("ok-a", "ok-b", "ok-ratio", "errors-a", "errors-b"),
)
"""One table for latency and one for throughput and errors keep it narrow."""


def render(summary: Summary, *, width: int = 80, colour: bool = False) -> str:
    """The summary as lines of at most `width` columns; `colour` adds ANSI sequences."""
    view = view_report(summary)
    console = console_of(width, colour)
    say(console, f"Run {view.title}", "bold")
    for line in view.lines:
        say(console, line)
    say_findings(console, view.findings)
    for scenario in view.scenarios:
        _scenario(console, scenario)
    if view.differences:
        say(console, "")
        say(console, "What differs among the targets", "bold")
        _items(console, view.differences)
    say(console, "")
    say(console, view.note, "dim")
    _caveats(console, view.caveats)
    return text_of(console)


def render_comparison(comparison: Comparison, *, width: int = 80, colour: bool = False) -> str:
    """Two runs side by side."""
    view = view_comparison(comparison)
    console = console_of(width, colour)
    for title in view.titles:
        say(console, title, "bold")
    for line in view.basis:
        say(console, line)
    if view.verdict:
        say(console, "")
        say(console, "What changed", "bold")
        say(console, view.verdict)
        _table(console, view.changes, *CHANGED_IN_SHORT)
        if view.more_changes:
            say(console, f"and {view.more_changes} more", "dim")
    for scenario in view.scenarios:
        say(console, "")
        say(console, scenario.name, "bold")
        for keys in _COMPARED:
            _table(console, scenario.figures.pick("phase", "target", *keys))
        _table(console, scenario.round_trips, "target", "operation", "both-A", "both-B")
        _table(console, scenario.changed_counts, *COUNTS_COMPARED)
    for line in view.lines:
        say(console, line)
    _caveats(console, view.caveats)
    return text_of(console)


FORMAT = Format("terminal", ".txt", render, render_comparison, written=False)


def say_findings(console: Console, told: FindingsView) -> None:
    """What is wrong and what mends it; nothing where nothing was found and no rule broke."""
    if told.found:
        say(console, "")
        say(console, "What is wrong", "bold")
    for one in told.found:
        _indented(console, f"{one.target}, {one.scenario}: {one.heading} [{one.id}]", 2, "bold red")
        for line in one.said:
            _indented(console, line, 4)
        for line in one.notes:
            _indented(console, line, 4, "dim")
        _indented(console, f"To mend it: {one.remedy}", 4, "green")
    for line in told.broken:
        _indented(console, f"a rule of the diagnosis broke, please report it: {line}", 2, "yellow")


def _indented(console: Console, text: str, columns: int, style: str = "") -> None:
    console.print(Padding(plain_text(text, style), (0, 0, 0, columns)))


def _scenario(console: Console, scenario: ScenarioView) -> None:
    say(console, "")
    say(console, f"{scenario.result.title} ({scenario.result.name})", "bold")
    say(console, scenario.result.question, "italic")
    if scenario.sort == "ladder":
        _table(console, scenario.ladder, *LADDER)
        _items(console, scenario.ladder_lines)
    elif scenario.sort == "round trips":
        _table(console, scenario.round_trips, *ROUND_TRIPS)
    else:
        _table(console, scenario.successes.pick(*_PHASES).without_empty("half"))
        _table(console, scenario.faults, *FAULTS, intervals=True)
    if scenario.sort != "round trips":
        parts = scenario.breakdown_of_top if scenario.sort == "ladder" else scenario.breakdown
        _table(console, parts, "phase", "target", "mean", *PARTS)
    _table(console, scenario.counts_in_short)
    _table(console, scenario.inside)
    _items(console, scenario.left_out_lines)
    _items(console, (f"errors of {line}" for line in scenario.error_lines))
    if scenario.checks_in_short:
        say(console, f"{scenario.checks_in_short}.")
    for verdict, line in scenario.failed_checks:
        text = Text.assemble((f"{verdict.value}: ", _STYLES[verdict]), plain_text(line))
        console.print(Padding(text, (0, 0, 0, 2)))
    for verdict, line in scenario.limit_lines:
        text = Text.assemble((f"limit {_OF_LIMITS[verdict]}: ", _STYLES[verdict]), plain_text(line))
        console.print(Padding(text, (0, 0, 0, 2)))
    for line in scenario.broken_oracles:
        text = Text.assemble(("broken oracle: ", _STYLES[CheckVerdict.BROKEN]), plain_text(line))
        console.print(Padding(text, (0, 0, 0, 2)))


def _table(console: Console, table: Table | None, *keys: str, intervals: bool = False) -> None:
    if table is None:
        return
    shown = table.pick(*keys) if keys else table
    rows = list(shown.texts(intervals=intervals))
    widths = _widths(shown.columns, rows, console.width)
    gap = 2 if sum(widths) + 2 * len(widths) <= console.width else 1
    drawn = RichTable(box=None, padding=(0, gap, 0, 0), pad_edge=False, header_style="underline")
    for column, width in zip(shown.columns, widths, strict=True):
        justify: Literal["left", "right"] = "right" if column.numeric else "left"
        drawn.add_column(plain_text(column.heading), justify=justify, overflow="fold", width=width)
    for row in rows:
        drawn.add_row(*map(plain_text, row))
    console.print(drawn)


def _widths(columns: Sequence[Column], rows: Sequence[Sequence[str]], available: int) -> list[int]:
    """Headings wrap between words, figures and names never; only where nothing else helps is a name folded."""
    widths = [
        max([*(len(row[index]) for row in rows), *map(len, column.heading.split())])
        for index, column in enumerate(columns)
    ]
    while sum(widths) + len(widths) > available:
        names = [index for index, column in enumerate(columns) if not column.numeric and widths[index] > 6]
        if not names:
            break
        widths[max(names, key=lambda index: widths[index])] -= 1
    return widths


def _items(console: Console, lines: Iterable[str]) -> None:
    for line in lines:
        console.print(Padding(plain_text(line), (0, 0, 0, 2)))


def _caveats(console: Console, caveats: Iterable[Caveat]) -> None:
    caveats = tuple(caveats)
    if not caveats:
        return
    say(console, "")
    say(console, "Caveats", "bold")
    for caveat in caveats:
        console.print(Padding(plain_text(f"{caveat.scope}: {caveat.text} {caveat.advice}"), (0, 0, 0, 2)))
