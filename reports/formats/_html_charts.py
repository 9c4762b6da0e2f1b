"""The charts of a page: which there are, and the place of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reports import charts
from reports.compare import ComparedPhase
from reports.formats import _html_costs
from reports.formats._tables import is_ladder
from reports.summary import ScenarioResult, Summary


@dataclass(frozen=True, slots=True)
class Figure:
    """One chart: its element's id, its specification, and about how high it will be, so that nothing jumps."""

    id: str
    spec: charts.Spec
    height_px: int

    @property
    def description(self) -> str:
        """What a screen reader says in the chart's place."""
        return str(self.spec["description"])


@dataclass(frozen=True, slots=True)
class ScenarioFigures:
    """The charts of one scenario, each sort in its order on the page; what a fault did is seen best over time."""

    ladder: tuple[Figure, ...]
    trips: tuple[Figure, ...]
    dots: Figure | None
    timelines: tuple[Figure, ...]
    parts: tuple[Figure, ...]
    time_first: bool

    def __iter__(self) -> Iterator[Figure]:
        dots = (self.dots,) if self.dots else ()
        yield from (*self.ladder, *self.trips)
        yield from (*self.timelines, *dots) if self.time_first else (*dots, *self.timelines)
        yield from self.parts


def scenario_figures(summary: Summary, scenario: ScenarioResult, anchor: str) -> ScenarioFigures:
    """All charts of a scenario; ladders, of users or latencies, have their own in place of the dots."""
    trips = _html_costs.trip_groups(scenario)
    return ScenarioFigures(
        ladder=_ladder(scenario, anchor),
        trips=_trips(trips, anchor),
        dots=None if is_ladder(scenario) or trips else _dots(summary, scenario, anchor),
        timelines=() if trips else _timelines(summary, scenario, anchor),
        parts=tuple(
            Figure(
                f"{anchor}-parts-{number}",
                charts.breakdown_chart(group.phase, group.rows, _html_costs.returned_ms(scenario, group.phase)),
                150,
            )
            for number, group in enumerate(_html_costs.drawn_groups(scenario), 1)
        ),
        time_first=any(target.faults for target in scenario.targets),
    )


def _trips(groups: Sequence[_html_costs.TripGroup], anchor: str) -> tuple[Figure, ...]:
    if not groups:
        return ()
    from reports.charts.round_trips import round_trips_chart

    return tuple(
        Figure(f"{anchor}-trips-{number}", round_trips_chart(operation, dict(rows)), 300)
        for number, (operation, rows) in enumerate(groups, 1)
    )


def _ladder(scenario: ScenarioResult, anchor: str) -> tuple[Figure, ...]:
    ladders = {
        target.target: target.exhaustion
        for target in scenario.targets
        if target.exhaustion is not None and target.exhaustion.steps
    }
    if not ladders:
        return ()
    from reports.charts.exhaustion import exhaustion_charts

    tokens = {target.settings.get("threadpool_tokens") for target in scenario.targets}
    sizes = [size for size in tokens if isinstance(size, int)]
    panels = exhaustion_charts(ladders, threads=sizes[0] if len(sizes) == 1 else None)
    return tuple(Figure(f"{anchor}-{name}", spec, 250) for name, spec in panels.items())


def _dots(summary: Summary, scenario: ScenarioResult, anchor: str) -> Figure | None:
    rows = [
        (phase.phase, target.target, phase.success, phase.intervals.p50_ms)
        for target in scenario.targets
        for phase in target.phases
        if phase.operation == "all" and not phase.warmup and phase.success.count
    ]
    if not rows:
        return None
    spec = charts.dots_chart(rows, [name for name in summary.run.targets if name in {row[1] for row in rows}])
    return Figure(f"{anchor}-dots", spec, int(spec["height"]) + 65)


def _timelines(summary: Summary, scenario: ScenarioResult, anchor: str) -> tuple[Figure, ...]:
    """The first usable trial of each target, but of none that only repeats another.

    Where there were several repetitions, its number is named.
    """
    shown = [
        (target, target.timelines[0]) for target in scenario.targets if target.timelines and target.same_as is None
    ]
    colours = charts.target_colours(summary.run.targets)
    frame = charts.frame_of(timeline for _, timeline in shown)
    several = summary.run.repetitions > 1
    return tuple(
        Figure(
            f"{anchor}-time-{number}",
            charts.timeline_chart(
                target.target,
                colours[target.target],
                timeline,
                [fault for fault in target.faults if fault.repetition == timeline.repetition],
                frame,
                f"repetition {timeline.repetition} of {summary.run.repetitions}" if several else "",
            ),
            (430 if frame.failed_max else 385) + 15 * several,
        )
        for number, (target, timeline) in enumerate(shown, 1)
    )


def compared_figure(rows: Sequence[ComparedPhase], targets: Sequence[str], anchor: str) -> Figure | None:
    """How the medians of one scenario moved between two runs; None where no median is known in both."""
    moved = [
        (row.phase, row.target, row.a.p50_ms, row.b.p50_ms)
        for row in rows
        if row.a.p50_ms is not None and row.b.p50_ms is not None
    ]
    if not moved:
        return None
    from reports.charts.compared import compared_chart

    spec = compared_chart(moved, [name for name in targets if name in {row[1] for row in moved}])
    return Figure(f"{anchor}-moved", spec, int(spec["height"]) + 65)
