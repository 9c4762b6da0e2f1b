"""What terminal and Markdown show of two runs side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reports.compare import ComparedCount, ComparedPhase, ComparedRoundTrips, Comparison
from reports.formats._numbers import figure, percent
from reports.formats._tables import Column, Table
from reports.formats._tables_costs import COUNT_WORDS

TOLD_CHANGE = 0.02
"""A count that changed by less than this share is not worth a line on a terminal."""


def comparison_table(phases: Sequence[ComparedPhase]) -> Table:
    """Both runs side by side: A, B and B over A for each figure."""
    groups = ("p50 ms", "p99 ms", "ok/s", "errors %")
    columns = [Column("phase", False), Column("target", False)]
    for group in groups:
        columns += [Column(f"{group} A"), Column(f"{group} B")]
        if group != "errors %":
            columns.append(Column(f"{group.removesuffix(' ms')} B/A"))
    rows: list[tuple[str, ...]] = []
    last = ""
    for row in phases:
        name, last = ("" if row.phase == last else row.phase), row.phase
        rows.append((name, row.target, *_compared_cells(row)))
    return Table(tuple(columns), tuple(rows))


def _compared_cells(row: ComparedPhase) -> tuple[str, ...]:
    a, b = row.a, row.b
    return (
        figure(a.p50_ms),
        figure(b.p50_ms),
        figure(row.p50_ratio),
        figure(a.p99_ms),
        figure(b.p99_ms),
        figure(row.p99_ratio),
        figure(a.completed_per_s),
        figure(b.completed_per_s),
        figure(row.throughput_ratio),
        percent(a.error_share),
        percent(b.error_share),
    )


def compared_scenarios(comparison: Comparison) -> list[str]:
    """Scenarios of the comparison in their order."""
    return list(dict.fromkeys(phase.scenario for phase in comparison.phases))


def comparison_lines(comparison: Comparison) -> Iterator[str]:
    """What is only in one run, and checks that changed, in sentences."""
    for label, names in (("A", comparison.only_in_a), ("B", comparison.only_in_b)):
        if names:
            yield f"Only in {label}: {', '.join(names)}."
    for check in comparison.changed_checks:
        yield (
            f"{check.scenario}/{check.target}: {check.kind} was {check.a.value} ({check.evidence_a}), "
            f"is {check.b.value} ({check.evidence_b})."
        )


def counts_table(counts: Sequence[ComparedCount], *, changed_only: bool) -> Table | None:
    """What one request costs in both runs; None where there is nothing to show."""
    rows: list[tuple[str, ...]] = []
    last = ""
    for count in counts:
        if changed_only and not is_changed(count):
            continue
        name, last = ("" if count.target == last else count.target), count.target
        rows.append((name, COUNT_WORDS[count.name], figure(count.a), figure(count.b), figure(count.ratio)))
    columns = (Column("target", False), Column("for each request", False), *map(Column, ("A", "B", "B/A")))
    return Table(columns, tuple(rows)) if rows else None


def is_changed(count: ComparedCount) -> bool:
    """Whether both runs know the count and it differs by more than a little."""
    if count.a is None or count.b is None:
        return False
    return abs(count.b - count.a) > TOLD_CHANGE * max(count.a, count.b, TOLD_CHANGE)


def round_trips_table(found: Sequence[ComparedRoundTrips]) -> Table | None:
    """Round trips in both runs, with their intervals."""
    columns = (
        Column("target", False),
        Column("operation", False),
        *map(Column, ("round trips A", "round trips B")),
    )
    rows = tuple(
        (
            one.target,
            one.operation,
            *(f"{figure(t.slope)} ({figure(t.low)}–{figure(t.high)})" for t in (one.a, one.b)),
        )
        for one in found
    )
    return Table(columns, rows) if rows else None
