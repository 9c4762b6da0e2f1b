"""Where the time of a request goes, what a request costs, and how long connections were held."""

from __future__ import annotations

from collections.abc import Iterator

from reports.summary import Breakdown, Count, HeldTimes, ScenarioResult
from reports.view.numbers import DASH, between, figure, percent, tiny
from reports.view.pieces import amount, in_phases, whole_number
from reports.view.table import OPERATION, PHASE, TARGET, Cell, Column, Fields, Table, table

PARTS = {
    "lag": "Sent late",
    "queue": "Waiting",
    "connect": "Connecting",
    "ping": "Pre-ping",
    "query": "Statements",
    "rest": "Rest",
}
"""Parts of a Breakdown and their titles, in the order in which they follow each other."""

COUNTS = {
    "statements": ("stmts", "statements"),
    "checkouts": ("taken", "connections taken"),
    "opened": ("opened", "connections opened"),
    "invalidated": ("lost", "connections found broken"),
    "pings": ("pings", "pre-pings"),
    "transactions": ("trans.", "transactions"),
    "target_cpu_ms": ("target cpu ms", "processor ms of the target"),
    "generator_cpu_ms": ("load cpu ms", "processor ms of the load generator"),
    "proxy_cpu_ms": ("proxy cpu ms", "processor ms of the proxy"),
    "database_cpu_ms": ("db cpu ms", "processor ms of PostgreSQL"),
}
"""Every count of `Counts`: as a heading, and in words."""


def breakdown_table(scenario: ScenarioResult, *, whole: bool = True) -> Table | None:
    """Parts of the mean response time, by phase and target; `whole` False: by operation."""
    found = in_phases(
        scenario,
        [
            (target, parts)
            for target in scenario.targets
            for parts in target.breakdowns
            if not parts.warmup and (parts.operation == "all") == whole
        ],
    )
    columns = (
        PHASE,
        OPERATION,
        TARGET,
        Column("requests", "requests", "Requests"),
        Column("mean", "mean ms", "Mean", strong=True),
        *(Column(part, f"{part} ms", title) for part, title in PARTS.items()),
        Column("believed", "believed %"),
        Column("return", "return p50 ms", "Return, after it|p50"),
    )
    returned = {name: returned_ms(scenario, name) for name in dict.fromkeys(parts.phase for _, parts in found)}
    rows = (
        {
            "phase": parts.phase,
            "operation": parts.operation,
            "target": target.target,
            "return": tiny(returned[parts.phase].get(target.target)),
            **_parts(parts),
        }
        for target, parts in found
    )
    return table(columns, rows) if found else None


def _parts(parts: Breakdown) -> dict[str, Cell | str]:
    return {
        "requests": whole_number(parts.requests),
        "mean": amount(parts.mean_ms, parts.mean_interval),
        **{name: tiny(getattr(parts, f"{name}_ms")) for name in PARTS},
        "believed": percent(parts.believed_share),
    }


def returned_ms(scenario: ScenarioResult, phase: str) -> dict[str, float]:
    """How long each target's median return of a connection took in a phase, where it told."""
    return {
        target.target: held.p50_ms
        for target in scenario.targets
        for held in target.held
        if (held.of, held.phase) == ("release", phase) and held.p50_ms is not None
    }


def believed(scenario: ScenarioResult) -> float | None:
    """The smallest share of requests whose Server-Timing was believed, over all breakdowns shown."""
    shares = [
        parts.believed_share
        for target in scenario.targets
        for parts in target.breakdowns
        if parts.operation == "all" and not parts.warmup
    ]
    return min(shares, default=None)


def known_counts(scenario: ScenarioResult) -> dict[str, dict[str, Count | None]]:
    """Count -> target -> how often for each request; what no target knows is left out."""
    counts = {
        name: {t.target: None if t.counts is None else getattr(t.counts, name) for t in scenario.targets}
        for name in COUNTS
    }
    return {name: found for name, found in counts.items() if any(count is not None for count in found.values())}


def count_table(scenario: ScenarioResult, *, short: bool = False) -> Table | None:
    """What one request costs, a row for each target; `short` for a narrow row."""
    known = known_counts(scenario)
    columns = (TARGET, *(Column(name, COUNTS[name][0]) for name in known))
    rows: list[Fields] = [
        {"target": target.target, **{name: _count(known[name][target.target], short) for name in known}}
        for target in scenario.targets
        if target.counts is not None
    ]
    return table(columns, rows) if known else None


def count_rows(scenario: ScenarioResult) -> Table | None:
    """The same, a row for each count."""
    known = known_counts(scenario)
    columns = (
        Column("count", "for each request", "Per request", "name"),
        *(Column(target.target, target.target, of_target=True) for target in scenario.targets),
    )
    rows: Iterator[Fields] = (
        {"count": capitalised(COUNTS[name][1]), **{target: _count(count) for target, count in found.items()}}
        for name, found in known.items()
    )
    return table(columns, rows) if known else None


def _count(count: Count | None, short: bool = False) -> Cell:
    if count is None:
        return Cell(DASH)
    if short:
        return Cell(_short(count.per_request))
    return Cell(figure(count.per_request), between(count.interval))


def _short(value: float) -> str:
    """Three significant digits, but not more than three decimals: a terminal's row is narrow."""
    if value == 0 or value >= 0.1:
        return figure(value)
    return f"{value:.3f}" if value >= 0.0005 else "<0.001"


def capitalised(text: str) -> str:
    """With a capital at its beginning, and no other changed."""
    return text[:1].upper() + text[1:]


def held_table(scenario: ScenarioResult, of: str = "held") -> Table | None:
    """How long connections were held, or took to be returned: a row for each counting phase and target."""
    found = in_phases(
        scenario,
        [
            (target, held)
            for target in scenario.targets
            for held in target.held
            if held.of == of and not held.warmup and held.count > 0
        ],
    )
    columns = (
        PHASE,
        TARGET,
        Column("count", "connections", "Times"),
        *(Column(name, f"held {name} ms", f"{name}|ms") for name in ("p50", "p90", "p99", "max")),
    )
    rows = ({"phase": held.phase, "target": target.target, **_held(held)} for target, held in found)
    return table(columns, rows) if found else None


def _held(held: HeldTimes) -> dict[str, Cell | str]:
    return {
        "count": whole_number(held.count),
        "p50": amount(held.p50_ms, held.p50_interval),
        "p90": figure(held.p90_ms),
        "p99": figure(held.p99_ms),
        "max": figure(held.max_ms),
    }
