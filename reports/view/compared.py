"""Two runs side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reports.compare import (
    Change,
    ComparedCount,
    ComparedFigure,
    ComparedPhase,
    ComparedRoundTrips,
    Comparison,
)
from reports.summary import Caveat, RunInfo
from reports.view.checks import verdict_cell
from reports.view.costs import COUNTS, capitalised
from reports.view.ladder import trips_cells
from reports.view.numbers import figure, percent, plural, points
from reports.view.pieces import anchor, whole_number
from reports.view.run import run_title
from reports.view.table import PHASE, TARGET, Cell, Column, Fields, Table, Tone, table

TOLD_CHANGE = 0.02
"""A count that changed by less than this share is not worth a line on a terminal."""

MOST_CHANGES = 20
"""Rows of what changed; the rest is counted, and stands in each scenario's own table."""
CHANGED = ("change", "place", "A", "B", "said")
"""What Markdown and pages show of what changed."""
CHANGED_IN_SHORT = ("change", "place", "said")
"""What a terminal has room for."""
_TONES: dict[Change, Tone] = {Change.WORSE: "bad", Change.BETTER: "good", Change.OPEN: "open", Change.ALIKE: ""}

COUNTS_COMPARED = ("target", "count", "A", "B", "B/A")
"""What text shows of the counts."""


@dataclass(frozen=True, slots=True)
class ComparedScenario:
    """One scenario that both runs hold; None where there is nothing to show."""

    anchor: str
    name: str
    phases: tuple[ComparedPhase, ...]
    figures: Table
    round_trips: Table | None
    counts_by_name: Table | None
    counts: Table | None
    changed_counts: Table | None
    by_repetition: Table | None


@dataclass(frozen=True, slots=True)
class ComparisonView:
    """All that a report says of two runs; `runs` are A and B, `titles` tell of them in a line each.

    `basis` says what the judgement of figures rests on, `verdict` sums it up; `changes` are what changed and what
    may have, worst first, `more_changes` how many do not stand there.
    """

    runs: tuple[tuple[str, RunInfo], ...]
    titles: tuple[str, ...]
    basis: tuple[str, ...]
    verdict: str
    changes: Table | None
    more_changes: int
    scenarios: tuple[ComparedScenario, ...]
    changed_checks: Table | None
    only: tuple[str, ...]
    lines: tuple[str, ...]
    caveats: tuple[Caveat, ...]


def view_comparison(comparison: Comparison) -> ComparisonView:
    """Everything, built once."""
    runs = (("A", comparison.a), ("B", comparison.b))
    names = dict.fromkeys(phase.scenario for phase in comparison.phases)
    told = [one for one in comparison.figures if is_told(one)]
    only = tuple(
        f"Only in {label}: {', '.join(names)}."
        for label, names in (("A", comparison.only_in_a), ("B", comparison.only_in_b))
        if names
    )
    return ComparisonView(
        runs=runs,
        titles=tuple(f"{label}: {run_title(run)}" for label, run in runs),
        basis=tuple(filter(None, (comparison.pairing, comparison.noise))),
        verdict=_verdict(comparison),
        changes=_changes(told[:MOST_CHANGES]),
        more_changes=max(0, len(told) - MOST_CHANGES),
        scenarios=tuple(_scenario(comparison, number, name) for number, name in enumerate(names, 1)),
        changed_checks=_changed_checks(comparison),
        only=only,
        lines=(*only, *comparison.left_out, *_check_lines(comparison)),
        caveats=comparison.caveats,
    )


def _scenario(comparison: Comparison, number: int, name: str) -> ComparedScenario:
    phases = tuple(phase for phase in comparison.phases if phase.scenario == name)
    counts = [count for count in comparison.counts if count.scenario == name]
    return ComparedScenario(
        anchor=anchor(number),
        name=name,
        phases=phases,
        figures=_figures(phases),
        round_trips=_round_trips([trips for trips in comparison.round_trips if trips.scenario == name]),
        counts_by_name=_counts(counts, "title"),
        counts=_counts(counts, "target"),
        changed_counts=_counts([count for count in counts if is_changed(count)], "target"),
        by_repetition=_changes([one for one in comparison.figures if one.scenario == name]),
    )


def is_told(figure: ComparedFigure) -> bool:
    """Whether it is worth a line on a terminal: it changed, or seems to by more than its floor."""
    if figure.change is Change.OPEN:
        return abs(figure.effect) >= max(figure.floor, figure.noise or 0.0)
    return figure.change is not Change.ALIKE


def _verdict(comparison: Comparison) -> str:
    """How many figures became what; empty without any."""
    figures = comparison.figures
    if not figures:
        return ""
    kinds = ", ".join(
        f"{count} {kind.value}" for kind in Change if (count := sum(one.change is kind for one in figures))
    )
    said = f"{plural(len(figures), 'figure')} by repetition: {kinds}."
    judged = sum(one.low != one.high for one in figures)
    if not judged:
        return said
    return f"{said} Of {judged} intervals of 95 % each about {judged / 20:.2g} miss the truth by chance alone."


def _changes(figures: Sequence[ComparedFigure]) -> Table | None:
    """Figures by repetition, as they come."""
    columns = (
        Column("change", "B is", kind="word"),
        Column("place", "what", "What", "name"),
        Column("A", "A"),
        Column("B", "B"),
        Column("said", "by how much", "By how much", "wide"),
    )
    rows: Iterator[Fields] = (
        {
            "change": Cell(one.change.value, tone=_TONES[one.change]),
            "place": f"{one.scenario}/{one.target}: {one.route} {one.metric} ({one.phase})",
            "A": _amount(one.a, one.unit),
            "B": _amount(one.b, one.unit),
            "said": one.said,
        }
        for one in figures
    )
    return table(columns, rows) if figures else None


def _amount(value: float, unit: str) -> str:
    """With its unit; a share of requests in per cent, and counts of a request bare."""
    if unit == "of requests":
        return f"{percent(value)} %"
    return figure(value) if unit == "a request" else f"{figure(value)} {unit}"


def _figures(phases: tuple[ComparedPhase, ...]) -> Table:
    """A, B and B over A for each figure, a row for each phase and target."""
    columns = [PHASE, TARGET, *(Column(f"requests-{x.lower()}", x, x, over="Requests") for x in "AB")]
    for key, name, over in (
        ("p50", "p50 ms", "p50|ms"),
        ("p99", "p99 ms", "p99|ms"),
        ("ok", "ok/s", "Completed|1/s"),
    ):
        columns += [Column(f"{key}-{x.lower()}", f"{name} {x}", x, over=over) for x in "AB"]
        columns.append(Column(f"{key}-ratio", f"{name.removesuffix(' ms')} B/A", "B/A", over=over, strong=True))
    columns += [Column(f"errors-{x.lower()}", f"errors % {x}", x, over="Errors|%") for x in "AB"]
    columns.append(Column("errors-change", "errors B−A", "B−A", over="Errors|%", strong=True))
    return table(columns, map(_figures_row, phases)).grouped("phase")


def _figures_row(row: ComparedPhase) -> dict[str, Cell | str]:
    found: dict[str, Cell | str] = {
        "phase": row.phase,
        "target": row.target,
        "p50-ratio": figure(row.p50_ratio),
        "p99-ratio": figure(row.p99_ratio),
        "ok-ratio": figure(row.throughput_ratio),
        "errors-change": points(row.error_share_change),
    }
    for side, run in (("a", row.a), ("b", row.b)):
        found |= {
            f"requests-{side}": whole_number(run.requests),
            f"p50-{side}": figure(run.p50_ms),
            f"p99-{side}": figure(run.p99_ms),
            f"ok-{side}": figure(run.completed_per_s),
            f"errors-{side}": percent(run.error_share),
        }
    return found


def _changed_checks(comparison: Comparison) -> Table | None:
    columns = (
        Column("scenario", "scenario", "Scenario", "name"),
        TARGET,
        Column("check", "check", "Expectation", "word"),
        *(Column(side, side, side, "wide") for side in "AB"),
    )
    rows: Iterator[Fields] = (
        {
            "scenario": check.scenario,
            "target": check.target,
            "check": check.kind.replace("-", " "),
            "A": verdict_cell(check.a, check.evidence_a),
            "B": verdict_cell(check.b, check.evidence_b),
        }
        for check in comparison.changed_checks
    )
    return table(columns, rows) if comparison.changed_checks else None


def _check_lines(comparison: Comparison) -> Iterator[str]:
    for check in comparison.changed_checks:
        yield (
            f"{check.scenario}/{check.target}: {check.kind} was {check.a.value} ({check.evidence_a}), "
            f"is {check.b.value} ({check.evidence_b})."
        )


def _counts(counts: list[ComparedCount], by: str) -> Table | None:
    """What one request costs in both runs."""
    columns = (
        TARGET,
        Column("count", "for each request", kind="word"),
        Column("title", "for each request", "Per request", "word"),
        *(Column(key, key, strong=key == "B/A") for key in ("A", "B", "B/A")),
    )
    rows = (
        {
            "target": count.target,
            "count": COUNTS[count.name][1],
            "title": capitalised(COUNTS[count.name][1]),
            "A": figure(count.a),
            "B": figure(count.b),
            "B/A": figure(count.ratio),
        }
        for count in counts
    )
    return table(columns, rows).grouped(by) if counts else None


def is_changed(count: ComparedCount) -> bool:
    """Whether both runs know the count and it differs by more than a little."""
    if count.a is None or count.b is None:
        return False
    return abs(count.b - count.a) > TOLD_CHANGE * max(count.a, count.b, TOLD_CHANGE)


def _round_trips(found: list[ComparedRoundTrips]) -> Table | None:
    columns = [TARGET, Column("operation", "operation", "Operation", "word")]
    for side in "AB":
        columns.append(Column(f"trips-{side}", f"round trips {side}", side, strong=True))
        columns.append(Column(f"interval-{side}", "interval", "Interval"))
        columns.append(Column(f"both-{side}", f"round trips {side}"))
    rows = []
    for one in found:
        row: dict[str, Cell | str] = {"target": one.target, "operation": one.operation}
        for side, trips in (("A", one.a), ("B", one.b)):
            cells = trips_cells(trips)
            row |= {f"{key}-{side}": cells[key] for key in ("trips", "interval")}
            row[f"both-{side}"] = f"{cells['trips']} ({cells['interval']})"
        rows.append(row)
    return table(columns, rows) if found else None
