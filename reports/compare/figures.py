"""The gate's figures of two runs by repetition: what changed, by how much, and whether beyond the noise."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from reports.compare.model import Change, ComparedFigure
from reports.compare.noise import Key, Phases
from reports.compare.repeated import Grid, columns_of, every_way, lacking, spread_of
from reports.gate.columns import Column, Series
from reports.gate.exact import Exact
from reports.gate.model import Stretch
from reports.gate.sentences import amount, between, change

MOST_PLACES = 4
Lacking = Mapping[tuple[str, int], Sequence[str]]
"""Places by the percentile that they lack, and how many requests it takes."""


def figures_of(
    target: str, a: Sequence[Phases], b: Sequence[Phases], noise: Mapping[Key, float]
) -> tuple[list[ComparedFigure], Lacking]:
    """One scenario of one target. A phase is compared where both runs went through it."""
    found: list[ComparedFigure] = []
    lacks: dict[tuple[str, int], list[str]] = defaultdict(list)
    stretches = dict.fromkeys(stretch for phases in a for stretch in phases)
    for stretch in stretches:
        of_a, of_b = ([phases[stretch] for phases in run if stretch in phases] for run in (a, b))
        if not of_b:
            continue
        grid = every_way(target, stretch, of_a, of_b)
        made = list(columns_of(grid.context))
        found += [
            _counted(one, grid) if isinstance(one, Exact) else _timed(one, grid, noise.get(_key(stretch, one)))
            for one in made
        ]
        for metric, fewest, place in lacking(grid.context, made):
            lacks[metric, fewest].append(place)
    return found, lacks


def worst_first(figures: Sequence[ComparedFigure]) -> list[ComparedFigure]:
    """By what became of them, and then by how far beyond their floor."""
    rank = {kind: number for number, kind in enumerate(Change)}
    return sorted(figures, key=lambda one: (rank[one.change], -abs(one.effect) / (bar_of(one) or 1e-9)))


def bar_of(figure: ComparedFigure) -> float:
    """What an effect has to reach to be worth telling; 0 of what was counted."""
    return 0.0 if figure.counted else max(figure.floor, figure.noise or 0.0)


def left_out_lines(lacks: Lacking) -> Iterator[str]:
    """A line for each percentile."""
    for (metric, fewest), places in lacks.items():
        more = f" and {len(places) - MOST_PLACES} more" if len(places) > MOST_PLACES else ""
        listed = ", ".join(places[:MOST_PLACES])
        yield f"{metric} is left out of {listed}{more}: no repetition of one of the runs has {fewest} successes."


def _key(stretch: Stretch, one: Column) -> Key:
    return stretch, one.series.place.route, one.series.metric, one.scale


def _timed(one: Column, grid: Grid, noise: float | None) -> ComparedFigure:
    spread = spread_of(one, grid)
    interval = spread.interval()
    bar = max(one.floor, noise or 0.0)
    kind = _change(spread.effect, interval, bar, one)
    assert one.base is not None
    assert one.head is not None
    return ComparedFigure(
        **_place(one.series), scale=one.scale.value, unit=one.unit, a=one.base, b=one.head,
        repetitions_a=spread.a.size, repetitions_b=spread.b.size, effect=spread.effect,
        low=None if interval is None else interval[0], high=None if interval is None else interval[1],
        floor=one.floor, noise=noise, counted=False, change=kind,
        said=_said(one, spread.effect, interval, kind, _bar(one, noise)),
    )  # fmt: skip


def _change(effect: float, interval: tuple[float, float] | None, bar: float, one: Column) -> Change:
    if interval is None or (one.series.metric == "recovery" and one.hindrance):
        return Change.OPEN
    low, high = interval
    if low > 0 and effect >= bar:
        return Change.WORSE
    if high < 0 and effect <= -bar:
        return Change.OPEN if one.flattered else Change.BETTER
    return Change.ALIKE if -bar < low and high < bar else Change.OPEN


def _bar(one: Column, noise: float | None) -> str:
    if noise is not None and noise > one.floor:
        return f"the {amount(one, noise)} that A/A differs by"
    return f"the floor of {amount(one, one.floor)}"


def _said(one: Column, effect: float, interval: tuple[float, float] | None, kind: Change, bar: str) -> str:
    said = change(one, effect)
    if interval is None:
        return f"{said}; one repetition a side, so what chance did is not known"
    said += between(one, *interval)
    if kind in (Change.WORSE, Change.BETTER):
        return f"{said}, beyond {bar}"
    if kind is Change.ALIKE:
        return f"{said}, within {bar}"
    if one.series.metric == "recovery" and one.hindrance:
        return f"{said}; in too many repetitions it had not recovered when the phase ended"
    if one.flattered and interval[1] < 0:
        return f"{said}; no gain, as B fails more often"
    return f"{said}; repetitions leave open whether that is beyond {bar}"


def _counted(one: Exact, grid: Grid) -> ComparedFigure:
    """With one repetition of a run anything is the same in each, so that nothing follows from it."""
    assert one.base is not None
    assert one.head is not None
    effect = one.effect or 0.0
    single = min(grid.of_a, grid.of_b) == 1 and effect != 0
    kind = Change.OPEN if single else Change.WORSE if effect > 0 else Change.BETTER if effect < 0 else Change.ALIKE
    told = f"{one.base:g} a request in A and {one.head:g} in B" if effect else f"{one.base:g} a request in both"
    how = "; one repetition a side, so what chance did is not known" if single else ", in each repetition"
    return ComparedFigure(
        **_place(one.series), scale="relative", unit="a request", a=one.base, b=one.head,
        repetitions_a=grid.of_a, repetitions_b=grid.of_b, effect=effect, low=None if single else effect,
        high=None if single else effect, floor=0.0, noise=None, counted=not single, change=kind, said=told + how,
    )  # fmt: skip


def _place(series: Series) -> dict[str, str]:
    place = series.place
    return {
        "scenario": place.scenario, "target": place.target, "phase": place.phase, "route": place.route,
        "metric": series.metric,
    }  # fmt: skip
