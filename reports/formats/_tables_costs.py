"""What terminal and Markdown show of where time goes, what a request costs and what could tilt the comparison."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reports.formats._numbers import DASH, between, figure, percent
from reports.formats._tables import Column, Table, is_ladder
from reports.summary import Breakdown, Count, LedgerRow, ScenarioResult, Summary

PARTS = ("lag", "queue", "connect", "ping", "query", "rest")
COUNT_WORDS = {
    "statements": "statements",
    "checkouts": "connections taken",
    "opened": "connections opened",
    "invalidated": "connections found broken",
    "pings": "pre-pings",
    "transactions": "transactions",
    "target_cpu_ms": "processor ms of the target",
    "generator_cpu_ms": "processor ms of the load generator",
    "proxy_cpu_ms": "processor ms of the proxy",
    "database_cpu_ms": "processor ms of PostgreSQL",
}
"""Every count of `Counts`, in words."""
_COUNT_HEADINGS = {
    "statements": "stmts",
    "checkouts": "taken",
    "opened": "opened",
    "invalidated": "lost",
    "pings": "pings",
    "transactions": "trans.",
    "target_cpu_ms": "target cpu ms",
    "generator_cpu_ms": "load cpu ms",
    "proxy_cpu_ms": "proxy cpu ms",
    "database_cpu_ms": "db cpu ms",
}


def breakdown_table(scenario: ScenarioResult, *, wide: bool) -> Table | None:
    """Parts of the mean response time, by phase and target; of a ladder only the top step, unless `wide`."""
    phases = [phase.name for phase in scenario.phases if not phase.warmup]
    if is_ladder(scenario) and not wide:
        phases = phases[-1:]
    rows: list[tuple[str, ...]] = []
    for phase in phases:
        name = phase
        for target in scenario.targets:
            for found in target.breakdowns:
                if (found.phase, found.operation) == (phase, "all"):
                    rows.append((name, target.target, *_breakdown_cells(found, wide=wide)))
                    name = ""
    headings = ["mean ms", *(f"{part} ms" for part in PARTS), *(["believed %"] if wide else [])]
    columns = (Column("phase", False), Column("target", False), *map(Column, headings))
    return Table(columns, tuple(rows)) if rows else None


def _breakdown_cells(found: Breakdown, *, wide: bool) -> Iterator[str]:
    around = between(found.mean_interval) if wide else ""
    yield f"{figure(found.mean_ms)} ({around})" if around else figure(found.mean_ms)
    for part in (found.lag_ms, found.queue_ms, found.connect_ms, found.ping_ms, found.query_ms, found.rest_ms):
        yield figure(part)
    if wide:
        yield percent(found.believed_share)


def counts_table(scenario: ScenarioResult, *, wide: bool) -> Table | None:
    """What one request costs, a row for each target; counts that no target has are left out."""
    known = [
        name
        for name in _COUNT_HEADINGS
        if any(t.counts is not None and getattr(t.counts, name) is not None for t in scenario.targets)
    ]
    if not known:
        return None
    rows = []
    for target in scenario.targets:
        if target.counts is not None:
            cells = (_count_cell(getattr(target.counts, name), wide=wide) for name in known)
            rows.append((target.target, *cells))
    columns = (Column("target", False), *(Column(_COUNT_HEADINGS[name]) for name in known))
    return Table(columns, tuple(rows))


def _count_cell(count: Count | None, *, wide: bool) -> str:
    if count is None:
        return DASH
    if not wide:
        return _short(count.per_request)
    around = between(count.interval)
    return f"{figure(count.per_request)} ({around})" if around else figure(count.per_request)


def _short(value: float) -> str:
    """Three significant digits, but not more than three decimals: a terminal's row is narrow."""
    if value == 0 or value >= 0.1:
        return figure(value)
    return f"{value:.3f}" if value >= 0.0005 else "<0.001"


def held_table(scenario: ScenarioResult) -> Table | None:
    """How long connections were held, a row for each counting phase and target."""
    rows: list[tuple[str, ...]] = []
    for phase in scenario.phases:
        name = phase.name
        for target in scenario.targets:
            for held in target.held:
                if held.phase == phase.name and held.of == "held" and not held.warmup:
                    values = (held.p50_ms, held.p90_ms, held.p99_ms, held.max_ms)
                    rows.append((name, target.target, f"{held.count:,}", *map(figure, values)))
                    name = ""
    headings = ("connections", *(f"held {name} ms" for name in ("p50", "p90", "p99", "max")))
    columns = (Column("phase", False), Column("target", False), *map(Column, headings))
    return Table(columns, tuple(rows)) if rows else None


def has_round_trips(scenario: ScenarioResult) -> bool:
    """Whether the scenario's question is answered by a slope."""
    return any(target.round_trips for target in scenario.targets)


def round_trips_table(scenario: ScenarioResult) -> Table:
    """Sequential round trips for each request, with the interval, a row for each target and operation."""
    rows = []
    for target in scenario.targets:
        for found in target.round_trips:
            rows.append(
                (
                    target.target,
                    found.operation,
                    figure(found.slope),
                    f"{figure(found.low)}–{figure(found.high)}",
                    figure(found.intercept_ms),
                )
            )
    headings = ("round trips", "interval", "p50 ms at 0 ms")
    columns = (Column("target", False), Column("operation", False), *map(Column, headings))
    return Table(columns, tuple(rows))


def ledger_lines(summary: Summary) -> Iterator[str]:
    """What differs among the targets, each difference once; with its scenarios if it does not hold in all."""
    scenarios_of: dict[str, list[str]] = {}
    for scenario in summary.scenarios:
        for row in scenario.ledger.rows if scenario.ledger else ():
            if row.differs:
                scenarios_of.setdefault(_difference(row), []).append(scenario.name)
    for line, scenarios in scenarios_of.items():
        everywhere = len(scenarios) == sum(scenario.ledger is not None for scenario in summary.scenarios)
        yield line if everywhere else f"{line} (in {', '.join(scenarios)})"


def _difference(row: LedgerRow) -> str:
    holders: dict[str, list[str]] = {}
    for target, value in row.values.items():
        if value is not None:
            holders.setdefault(value, []).append(target)
    return f"{row.name}: {'; '.join(f'{value} in {_listed(targets)}' for value, targets in holders.items())}"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)


def ledger_table(scenario: ScenarioResult) -> Table | None:
    """The whole ledger of a scenario; rows that differ are marked."""
    if scenario.ledger is None:
        return None
    columns = (Column("", False), Column("differs", False), *(Column(t, False) for t in scenario.ledger.targets))
    rows = tuple(
        (
            row.name,
            "yes" if row.differs else "",
            *(row.values.get(target) or DASH for target in scenario.ledger.targets),
        )
        for row in scenario.ledger.rows
    )
    return Table(columns, rows)


def aa_line(summary: Summary) -> str:
    """Which targets are others run again, in a sentence; empty where none is."""
    pairs = {t.target: t.same_as for scenario in summary.scenarios for t in scenario.targets if t.same_as}
    if not pairs:
        return ""
    return "; ".join(f"{again} is {first} once more, for the noise floor" for again, first in pairs.items()) + "."
