"""Two runs side by side: their rows by scenario and phase."""

from __future__ import annotations

from collections.abc import Sequence

from reports.compare import ComparedCount, ComparedPhase, ComparedRoundTrips, Comparison
from reports.formats._html_costs import COUNTS
from reports.formats._html_overview import anchor


def compared_sections(comparison: Comparison) -> tuple[tuple[str, str, tuple[ComparedPhase, ...]], ...]:
    """Anchor, scenario and compared phases of each scenario that both runs hold."""
    names = dict.fromkeys(phase.scenario for phase in comparison.phases)
    return tuple(
        (anchor(number), name, tuple(phase for phase in comparison.phases if phase.scenario == name))
        for number, name in enumerate(names, 1)
    )


def by_phase(rows: Sequence[ComparedPhase]) -> tuple[tuple[str, tuple[ComparedPhase, ...]], ...]:
    """The rows of each phase, in the order in which the phases first appear."""
    names = dict.fromkeys(row.phase for row in rows)
    return tuple((name, tuple(row for row in rows if row.phase == name)) for name in names)


def count_rows(comparison: Comparison, scenario: str) -> tuple[tuple[str, tuple[ComparedCount, ...]], ...]:
    """What is counted for one request of a scenario, and its rows target by target."""
    counts = [count for count in comparison.counts if count.scenario == scenario]
    rows = ((words, tuple(count for count in counts if count.name == field)) for field, words in COUNTS)
    return tuple((words, members) for words, members in rows if members)


def trip_rows(comparison: Comparison, scenario: str) -> tuple[tuple[str, tuple[ComparedRoundTrips, ...]], ...]:
    """Operation and its round trips target by target."""
    found = [trips for trips in comparison.round_trips if trips.scenario == scenario]
    operations = dict.fromkeys(trips.operation for trips in found)
    return tuple((name, tuple(trips for trips in found if trips.operation == name)) for name in operations)
