"""The charts of a page: which there are, and the place of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reports import charts
from reports.compare import ComparedPhase
from reports.summary import Breakdown, RoundTrips, RunInfo, ScenarioResult
from reports.view import ScenarioView
from reports.view.costs import returned_ms
from reports.view.ladder import ladders
from reports.view.pieces import in_phases, is_ladder, repeats, whole_phases

_DRAWN = 4


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


def scenario_figures(run: RunInfo, view: ScenarioView) -> ScenarioFigures:
    """All charts of a scenario; ladders, of users or latencies, have their own in place of the dots."""
    scenario, anchor = view.result, view.anchor
    trips = _trips(scenario, anchor)
    return ScenarioFigures(
        ladder=_ladder(scenario, anchor),
        trips=trips,
        dots=None if is_ladder(scenario) or trips else _dots(run, scenario, anchor),
        timelines=() if trips else _timelines(run, scenario, anchor),
        parts=tuple(
            Figure(
                f"{anchor}-parts-{number}", charts.breakdown_chart(phase, rows, returned_ms(scenario, phase)), 150
            )
            for number, (phase, rows) in enumerate(drawn_breakdowns(scenario).items(), 1)
        ),
        time_first=any(target.faults for target in scenario.targets),
    )


def drawn_breakdowns(scenario: ScenarioResult) -> dict[str, list[tuple[str, Breakdown]]]:
    """Phase -> its rows: of many phases only the first, one between (of a ladder the first onset) and the last."""
    phases: dict[str, list[tuple[str, Breakdown]]] = {}
    found = [
        (target, parts)
        for target in scenario.targets
        for parts in target.breakdowns
        if parts.operation == "all" and not parts.warmup
    ]
    for target, parts in in_phases(scenario, found):
        phases.setdefault(parts.phase, []).append((target.target, parts))
    if len(phases) <= _DRAWN:
        return phases
    names = list(phases)
    onsets = {target.exhaustion.onset_phase for target in scenario.targets if target.exhaustion is not None}
    between = next((name for name in names[1:-1] if name in onsets), names[len(names) // 2])
    return {name: phases[name] for name in (names[0], between, names[-1])}


def _trips(scenario: ScenarioResult, anchor: str) -> tuple[Figure, ...]:
    found: dict[str, dict[str, RoundTrips]] = {}
    for target in scenario.targets:
        for trips in target.round_trips:
            found.setdefault(trips.operation, {})[target.target] = trips
    if not found:
        return ()
    return tuple(
        Figure(f"{anchor}-trips-{number}", charts.round_trips_chart(operation, rows), 300)
        for number, (operation, rows) in enumerate(found.items(), 1)
    )


def _ladder(scenario: ScenarioResult, anchor: str) -> tuple[Figure, ...]:
    found = dict(ladders(scenario))
    if not found:
        return ()
    tokens = {target.settings.get("threadpool_tokens") for target in scenario.targets}
    sizes = [size for size in tokens if isinstance(size, int)]
    panels = charts.exhaustion_charts(found, threads=sizes[0] if len(sizes) == 1 else None)
    return tuple(Figure(f"{anchor}-{name}", spec, 250) for name, spec in panels.items())


def _dots(run: RunInfo, scenario: ScenarioResult, anchor: str) -> Figure | None:
    rows = [
        (phase.phase, target.target, phase.success, phase.intervals.p50_ms)
        for target in scenario.targets
        for phase in whole_phases(target)
        if phase.success.count
    ]
    if not rows:
        return None
    spec = charts.dots_chart(rows, [name for name in run.targets if name in {row[1] for row in rows}])
    return Figure(f"{anchor}-dots", spec, int(spec["height"]) + 65)


def _timelines(run: RunInfo, scenario: ScenarioResult, anchor: str) -> tuple[Figure, ...]:
    """The first usable trial of each target, but of none that only repeats another.

    Where there were several repetitions, its number is named.
    """
    shown = [
        (target, target.timelines[0])
        for target in scenario.targets
        if target.timelines and repeats(target) is None
    ]
    colours = charts.target_colours(run.targets)
    frame = charts.frame_of(timeline for _, timeline in shown)
    several = run.repetitions > 1
    return tuple(
        Figure(
            f"{anchor}-time-{number}",
            charts.timeline_chart(
                target.target,
                colours[target.target],
                timeline,
                [fault for fault in target.faults if fault.repetition == timeline.repetition],
                frame,
                f"repetition {timeline.repetition} of {run.repetitions}" if several else "",
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
    spec = charts.compared_chart(moved, [name for name in targets if name in {row[1] for row in moved}])
    return Figure(f"{anchor}-moved", spec, int(spec["height"]) + 65)
