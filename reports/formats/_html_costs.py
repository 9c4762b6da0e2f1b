"""Where the time of a request goes and what it costs: rows of breakdown, counts, held times and round trips."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from reports.summary import Breakdown, Count, Counts, HeldTimes, RoundTrips, ScenarioResult

PARTS = (
    ("lag_ms", "Sent late"),
    ("queue_ms", "Waiting"),
    ("connect_ms", "Connecting"),
    ("ping_ms", "Pre-ping"),
    ("query_ms", "Statements"),
    ("rest_ms", "Rest"),
)
"""Field of Breakdown and its name, in the order in which they follow each other."""

COUNTS = (
    ("statements", "Statements"),
    ("checkouts", "Checkouts"),
    ("opened", "Connections opened"),
    ("invalidated", "Connections invalidated"),
    ("pings", "Pre-pings"),
    ("transactions", "Transactions, as PostgreSQL counts"),
    ("target_cpu_ms", "Processor time of the target, ms"),
    ("database_cpu_ms", "… of PostgreSQL, ms"),
    ("proxy_cpu_ms", "… of Toxiproxy, ms"),
    ("generator_cpu_ms", "… of the load generator, ms"),
)
"""Field of Counts and its name, in the order of the tables."""


_DRAWN = 4


@dataclass(frozen=True, slots=True)
class BreakdownGroup:
    """The breakdowns of one phase and operation, target by target."""

    phase: str
    operation: str
    rows: tuple[tuple[str, Breakdown], ...]


def breakdown_groups(scenario: ScenarioResult, *, whole: bool = True) -> tuple[BreakdownGroup, ...]:
    """Phase by phase, warm-up left out; `whole` False: by operation."""
    rows = [
        (target.target, breakdown)
        for target in scenario.targets
        for breakdown in target.breakdowns
        if not breakdown.warmup and (breakdown.operation == "all") == whole
    ]
    order = {phase.name: number for number, phase in enumerate(scenario.phases)}
    keys = sorted(dict.fromkeys((b.phase, b.operation) for _, b in rows), key=lambda k: order.get(k[0], 0))
    return tuple(
        BreakdownGroup(*key, tuple((name, b) for name, b in rows if (b.phase, b.operation) == key)) for key in keys
    )


def returned_ms(scenario: ScenarioResult, phase: str) -> dict[str, float]:
    """How long each target's median return of a connection took in a phase, where it told."""
    return {
        target.target: held.p50_ms
        for target in scenario.targets
        for held in target.held
        if (held.of, held.phase) == ("release", phase) and held.p50_ms is not None
    }


def drawn_groups(scenario: ScenarioResult) -> tuple[BreakdownGroup, ...]:
    """Those to draw: of many only the first, one between (of a ladder the first onset) and the last."""
    groups = breakdown_groups(scenario)
    if len(groups) <= _DRAWN:
        return groups
    onsets = {target.exhaustion.onset_phase for target in scenario.targets if target.exhaustion is not None}
    onset = next((group for group in groups[1:-1] if group.phase in onsets), groups[len(groups) // 2])
    return (groups[0], onset, groups[-1])


def believed(scenario: ScenarioResult) -> float | None:
    """The smallest share of requests whose Server-Timing was believed, over all breakdowns shown."""
    shares = [breakdown.believed_share for group in breakdown_groups(scenario) for _, breakdown in group.rows]
    return min(shares, default=None)


CountRow = tuple[str, tuple[Count | None, ...]]


def count_rows(scenario: ScenarioResult) -> tuple[CountRow, ...]:
    """What is counted, and for each target how often for one request; what no target knows is left out."""
    rows = []
    for field, words in COUNTS:
        counts = tuple(_count(target.counts, field) for target in scenario.targets)
        if any(count is not None for count in counts):
            rows.append((words, counts))
    return tuple(rows)


def _count(counts: Counts | None, field: str) -> Count | None:
    found: Count | None = None if counts is None else getattr(counts, field)
    return found


HeldGroup = tuple[str, tuple[tuple[str, HeldTimes], ...]]


def held_groups(scenario: ScenarioResult, of: str) -> tuple[HeldGroup, ...]:
    """Phase and each target's times of one sort, warm-up left out."""
    return _by_phase(scenario, lambda held: held.of == of and not held.warmup and held.count > 0)


def _by_phase(scenario: ScenarioResult, wanted: Callable[[HeldTimes], bool]) -> tuple[HeldGroup, ...]:
    rows = [(target.target, held) for target in scenario.targets for held in target.held if wanted(held)]
    phases = [phase.name for phase in scenario.phases if any(held.phase == phase.name for _, held in rows)]
    return tuple((phase, tuple((name, held) for name, held in rows if held.phase == phase)) for phase in phases)


TripGroup = tuple[str, tuple[tuple[str, RoundTrips], ...]]


def trip_groups(scenario: ScenarioResult) -> tuple[TripGroup, ...]:
    """Operation and each target's round trips."""
    rows = [(target.target, trips) for target in scenario.targets for trips in target.round_trips]
    operations = dict.fromkeys(trips.operation for _, trips in rows)
    return tuple((op, tuple((name, trips) for name, trips in rows if trips.operation == op)) for op in operations)
