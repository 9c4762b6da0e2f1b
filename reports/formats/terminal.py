"""Text for a terminal, readable at 80 columns, with colours or without."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Literal

from rich.console import Console
from rich.padding import Padding
from rich.table import Table as RichTable
from rich.text import Text

from harness.plain import plain
from reports.compare import Comparison
from reports.formats import Format, _tables, _tables_compared, _tables_costs
from reports.summary import Caveat, CheckVerdict, ScenarioResult, Summary

_STYLES = {CheckVerdict.BROKEN: "bold red", CheckVerdict.UNDECIDED: "yellow", CheckVerdict.PASSED: "green"}


def render(summary: Summary, *, width: int = 80, colour: bool = False) -> str:
    """The summary as lines of at most `width` columns; `colour` adds ANSI sequences."""
    console = _console(width, colour)
    _say(console, f"Run {_tables.run_title(summary.run)}", "bold")
    for line in filter(None, (*_tables.run_lines(summary), _tables_costs.aa_line(summary))):
        _say(console, line)
    for scenario in summary.scenarios:
        _scenario(console, scenario)
    differing = list(_tables_costs.ledger_lines(summary))
    if differing:
        _say(console, "")
        _say(console, "What differs among the targets", "bold")
        _items(console, differing)
    _say(console, "")
    _say(console, _tables.NOTE, "dim")
    _caveats(console, summary.caveats)
    return _text(console)


def render_comparison(comparison: Comparison, *, width: int = 80, colour: bool = False) -> str:
    """Two runs side by side. One table for latency and one for throughput and errors keep it narrow."""
    console = _console(width, colour)
    _say(console, f"A: {_tables.run_title(comparison.a)}", "bold")
    _say(console, f"B: {_tables.run_title(comparison.b)}", "bold")
    for scenario in _tables_compared.compared_scenarios(comparison):
        _say(console, "")
        _say(console, scenario, "bold")
        table = _tables_compared.comparison_table(
            [phase for phase in comparison.phases if phase.scenario == scenario]
        )
        for first, last in ((2, 8), (8, len(table.columns))):
            keep = (0, 1, *range(first, last))
            columns = tuple(table.columns[index] for index in keep)
            rows = tuple(tuple(row[index] for index in keep) for row in table.rows)
            _table(console, _tables.Table(columns, rows))
        trips = [one for one in comparison.round_trips if one.scenario == scenario]
        _table(console, _tables_compared.round_trips_table(trips))
        counts = [count for count in comparison.counts if count.scenario == scenario]
        _table(console, _tables_compared.counts_table(counts, changed_only=True))
    for line in _tables_compared.comparison_lines(comparison):
        _say(console, line)
    _caveats(console, comparison.caveats)
    return _text(console)


FORMAT = Format("terminal", ".txt", render, render_comparison, written=False)


def _console(width: int, colour: bool) -> Console:
    return Console(
        file=io.StringIO(),
        width=width,
        force_terminal=colour,
        color_system="standard" if colour else None,
        legacy_windows=False,
        highlight=False,
        markup=False,
        emoji=False,
        _environ={},
    )


def _text(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    lines = console.file.getvalue().splitlines()
    return "\n".join(line.rstrip() for line in lines).strip("\n") + "\n"


def _say(console: Console, text: str, style: str = "") -> None:
    console.print(_plain(text, style))


def _plain(text: str, style: str = "") -> Text:
    """Text without control characters: a recorded reason must not steer the terminal."""
    return Text(plain(text), style=style)


def _scenario(console: Console, scenario: ScenarioResult) -> None:
    _say(console, "")
    _say(console, f"{scenario.title} ({scenario.name})", "bold")
    _say(console, scenario.question, "italic")
    if _tables.is_ladder(scenario):
        _table(console, _tables.ladder_table(scenario))
        _items(console, filter(None, map(_tables.exhaustion_sentence, scenario.targets)))
    elif _tables_costs.has_round_trips(scenario):
        _table(console, _tables_costs.round_trips_table(scenario))
    else:
        _table(console, _tables.phase_table(scenario, wide=False))
        _table(console, _tables.fault_table(scenario))
    if not _tables_costs.has_round_trips(scenario):
        _table(console, _tables_costs.breakdown_table(scenario, wide=False))
    _table(console, _tables_costs.counts_table(scenario, wide=False))
    _items(console, _tables.left_out_lines(scenario))
    _items(console, (f"errors of {line}" for line in _tables.error_lines(scenario)))
    counts = _tables.check_counts(scenario)
    if counts:
        _say(console, f"{counts}.")
    for verdict, line in _tables.check_lines(scenario):
        text = Text.assemble((f"{verdict.value}: ", _STYLES[verdict]), _plain(line))
        console.print(Padding(text, (0, 0, 0, 2)))


def _table(console: Console, table: _tables.Table | None) -> None:
    if table is None:
        return
    widths = _widths(table, console.width)
    gap = 2 if sum(widths) + 2 * len(widths) <= console.width else 1
    drawn = RichTable(box=None, padding=(0, gap, 0, 0), pad_edge=False, header_style="underline")
    for column, width in zip(table.columns, widths, strict=True):
        justify: Literal["left", "right"] = "right" if column.numeric else "left"
        drawn.add_column(_plain(column.heading), justify=justify, overflow="fold", width=width)
    for row in table.rows:
        drawn.add_row(*map(_plain, row))
    console.print(drawn)


def _widths(table: _tables.Table, available: int) -> list[int]:
    """Headings wrap between words, figures and names never; only where nothing else helps is a name folded."""
    widths = [
        max([*(len(row[index]) for row in table.rows), *map(len, column.heading.split())])
        for index, column in enumerate(table.columns)
    ]
    while sum(widths) + len(widths) > available:
        names = [index for index, column in enumerate(table.columns) if not column.numeric and widths[index] > 6]
        if not names:
            break
        widths[max(names, key=lambda index: widths[index])] -= 1
    return widths


def _items(console: Console, lines: Iterable[str]) -> None:
    for line in lines:
        console.print(Padding(_plain(line), (0, 0, 0, 2)))


def _caveats(console: Console, caveats: Iterable[Caveat]) -> None:
    caveats = tuple(caveats)
    if not caveats:
        return
    _say(console, "")
    _say(console, "Caveats", "bold")
    for caveat in caveats:
        console.print(Padding(_plain(f"{caveat.scope}: {caveat.text} {caveat.advice}"), (0, 0, 0, 2)))
