"""What the oracles say: a table of those that had something to go by, and a line for each that was broken."""

from __future__ import annotations

from collections.abc import Iterator

from reports.summary import OracleFigure, OracleVerdict, ScenarioResult
from reports.view.checks import target_columns
from reports.view.numbers import figure
from reports.view.table import Cell, Column, Table, Tone, table

_SHOWN: dict[OracleVerdict, tuple[str, Tone]] = {
    OracleVerdict.PASSED: ("✓", "good"),
    OracleVerdict.BROKEN: ("✗", "bad"),
    OracleVerdict.UNKNOWN: ("?", "open"),
}


def oracle_table(scenario: ScenarioResult) -> Table | None:
    """Each oracle that could be asked of one of the targets at least, with what it says of each."""
    rows: dict[str, dict[str, Cell | str]] = {}
    for target in scenario.targets:
        for result in target.oracles:
            sign, tone = _SHOWN[result.verdict]
            notes = (result.said, *filter(None, map(_figure_text, result.figures)))
            row = rows.setdefault(result.oracle, {"oracle": result.oracle})
            row[target.target] = Cell(f"{sign} {result.verdict.value}", notes=notes, tone=tone)
    asked = {
        result.oracle
        for target in scenario.targets
        for result in target.oracles
        if result.verdict is not OracleVerdict.UNKNOWN
    }
    columns = (Column("oracle", "oracle", "Oracle", "name"), *target_columns(scenario.targets, wide=True))
    shown = [row for name, row in rows.items() if name in asked]
    return table(columns, shown) if shown else None


def oracle_lines(scenario: ScenarioResult) -> Iterator[str]:
    """Each oracle that was broken, with what it saw."""
    for target in scenario.targets:
        for result in target.oracles:
            if result.verdict is OracleVerdict.BROKEN:
                figures = "; ".join(filter(None, map(_figure_text, result.figures)))
                yield f"{target.target}: {result.oracle}: {result.said}{f' ({figures})' if figures else ''}"


def _figure_text(found: OracleFigure) -> str:
    """Such as `staleness p50: 48.1 to 52 ms`; empty where nothing is known."""
    unit = f" {found.unit}" if found.unit else ""
    if found.value is not None:
        return f"{found.name}: {figure(found.value)}{unit}"
    if found.low is not None and found.high is not None:
        return f"{found.name}: {figure(found.low)} to {figure(found.high)}{unit}"
    return "" if found.low is None else f"{found.name}: more than {figure(found.low)}{unit}"
