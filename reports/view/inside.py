"""What a probe saw inside an app: its ways to a connection, its event loops and its threads."""

from __future__ import annotations

from reports.summary import ScenarioResult
from reports.view.numbers import DASH, figure
from reports.view.pieces import in_phases, whole_number
from reports.view.table import PHASE, TARGET, Column, Table, table

KINDS = {
    "acquire": "getting a connection",
    "connect": "opening one",
    "ping": "testing one",
    "query": "a statement",
}
"""What is told beside how long connections are held and returned, in the order in which it happens."""


def inside_table(scenario: ScenarioResult) -> Table | None:
    """The worst that was seen in each app over the whole scenario; None where no app had a probe."""
    seen = [(target.target, target.inside) for target in scenario.targets if target.inside is not None]
    columns = (
        TARGET,
        Column("lag", "loop late max ms", "Event loop late at most|ms"),
        Column("oldest", "out max ms", "Longest seen out|ms"),
        Column("place", "taken at", "Taken at", "word"),
        Column("threads", "threads max", "Threads at work at most"),
        Column("waiting", "tasks waiting max", "Tasks that waited for one"),
    )
    rows = (
        {
            "target": name,
            "lag": figure(found.lag_max_ms),
            "oldest": figure(found.oldest_ms),
            "place": found.oldest_place or DASH,
            "threads": DASH if found.tokens is None else f"{found.borrowed_max or 0} of {found.tokens}",
            "waiting": whole_number(found.waited_for_max),
        }
        for name, found in seen
    )
    return table(columns, rows) if seen else None


def times_table(scenario: ScenarioResult) -> Table | None:
    """How long each part of the way to an answer took, by phase; None where no app had a probe."""
    found = in_phases(
        scenario,
        [
            (target, held)
            for target in scenario.targets
            for kind in KINDS
            for held in target.held
            if held.of == kind and not held.warmup and held.count > 0
        ],
    )
    columns = (
        PHASE,
        TARGET,
        Column("of", "of", "Of", "word"),
        Column("count", "times", "Times"),
        *(Column(name, f"{name} ms", f"{name}|ms") for name in ("p50", "p90", "p99", "max")),
    )
    rows = (
        {
            "phase": held.phase,
            "target": target.target,
            "of": KINDS[held.of],
            "count": whole_number(held.count),
            "p50": figure(held.p50_ms),
            "p90": figure(held.p90_ms),
            "p99": figure(held.p99_ms),
            "max": figure(held.max_ms),
        }
        for target, held in found
    )
    return table(columns, rows) if found else None
