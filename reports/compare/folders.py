"""Two run folders -> Comparison: each is read once, and told by what its targets are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.errors import RunDirectoryError, plain_line
from reports.analyse import analysed
from reports.analysis.exhaustion import exhaustion
from reports.analysis.folding import Observed
from reports.compare import ComparedFigure, Comparison, compare
from reports.compare.circumstances import Value, differing
from reports.compare.figures import figures_of, left_out_lines, worst_first
from reports.compare.noise import Phases, Twins, by_repetition, noise_of
from reports.compare.repeated import MOST_REPETITIONS
from reports.compare.subjects import renamed, subjects_of, twins_of
from reports.gate.seeing import phases_of
from reports.read import Run, read_run
from reports.summary import Caveat, Summary

Where = tuple[str, str]
"""Scenario and target."""


@dataclass(frozen=True)
class Seen:
    """A run as a comparison sees it: its summary, its usable trials' phases, what it ran twice, and what its
    targets are beside their settings.
    """

    summary: Summary
    phases: Mapping[Where, tuple[Phases, ...]]
    twins: tuple[Twins, ...]
    facts: Mapping[str, Mapping[str, Value]]


def compare_folders(first: Path, second: Path) -> Comparison:
    """Raises RunDirectoryError, one line, for a folder that cannot be read, for the same run twice, and where no
    target ran under the same scenario in both.
    """
    if first.exists() and second.exists() and first.resolve() == second.resolve():
        raise _same(first)
    runs = read_run(first), read_run(second)
    if len({(run.manifest.run_id, run.manifest.created_at) for run in runs}) == 1:
        raise _same(first)
    a, b = map(_see, runs)
    common = [where for where in _places(a.summary) if where in set(_places(b.summary))]
    if not common:
        raise RunDirectoryError(
            plain_line(
                "A and B have no target in common under the same scenario: A has "
                f"{_listed(a.summary)}, B has {_listed(b.summary)}; name runs that share one"
            )
        )
    return _compared(a, b, common)


def _same(folder: Path) -> RunDirectoryError:
    return RunDirectoryError(
        f"A and B are the same run, {folder}; name two (one run's targets are compared in its own report)"
    )


def _see(run: Run) -> Seen:
    summary, usable = analysed(run)
    called = subjects_of(run.manifest)
    names = {name: one.name for name, one in called.items()}
    phases = {where: tuple(map(_phases, trials)) for where, trials in usable.items()}
    return Seen(
        summary=renamed(summary, names),
        phases={(scenario, names[target]): found for (scenario, target), found in phases.items()},
        twins=tuple(_twins(run, usable, phases, names)),
        facts={one.name: one.facts for one in called.values()},
    )


def _phases(observed: Observed) -> Phases:
    return dict(phases_of(observed, climbed=exhaustion(observed.scenario, [observed])))


def _twins(
    run: Run,
    usable: Mapping[Where, tuple[Observed, ...]],
    phases: Mapping[Where, tuple[Phases, ...]],
    names: Mapping[str, str],
) -> Iterator[Twins]:
    for first, second in twins_of(run.manifest):
        for scenario in run.manifest.scenarios:
            places = (scenario.name, first.name), (scenario.name, second.name)
            if all(place in usable for place in places):
                one, other = (by_repetition(usable[place], phases[place]) for place in places)
                yield Twins((names[first.name], names[second.name]), one, other)


def _compared(a: Seen, b: Seen, common: list[Where]) -> Comparison:
    noise = noise_of((*a.twins, *b.twins))
    figures: list[ComparedFigure] = []
    lacks: dict[tuple[str, int], list[str]] = {}
    for scenario, target in common:
        place = scenario, target
        if place in a.phases and place in b.phases:
            found, lacking = figures_of(target, a.phases[place], b.phases[place], noise)
            figures += found
            for key, places in lacking.items():
                lacks.setdefault(key, []).extend(places)
    return compare(
        a.summary,
        b.summary,
        figures=worst_first(figures),
        noise=_noise_said(a, b, common),
        left_out=tuple(left_out_lines(lacks)),
        told=(*_subjects(a, b), *_too_many(a, b)),
    )


def _subjects(a: Seen, b: Seen) -> Iterator[Caveat]:
    """What a target is that its settings do not say: a revision, say."""
    for name in a.facts:
        if name in b.facts:
            yield from differing(
                "subject-differs", name, a.facts[name], b.facts[name], "That may be what you compare."
            )


def _too_many(a: Seen, b: Seen) -> Iterator[Caveat]:
    if max(len(phases) for seen in (a, b) for phases in (*seen.phases.values(), ())) > MOST_REPETITIONS:
        yield Caveat(
            code="repetitions-left-out",
            scope="run",
            text=f"Of more than {MOST_REPETITIONS} repetitions the first {MOST_REPETITIONS} are compared.",
            advice="They say enough: more would hardly narrow an interval.",
        )


def _noise_said(a: Seen, b: Seen, common: list[Where]) -> str:
    """By what a difference is told from chance."""
    most = [max((len(seen.phases.get(place, ())) for place in common), default=0) for seen in (a, b)]
    if max(most) <= 1:
        spread = "one repetition of each run, which tells nothing of chance: repeat them with -r 3 or more"
    else:
        spread = f"the spread of each run's own repetitions (up to {most[0]} of A and {most[1]} of B)"
    twins = [
        f"{names[0]} and {names[1]} of {label}"
        for label, seen in (("A", a), ("B", b))
        for names in dict.fromkeys(one.names for one in seen.twins)
    ]
    if not twins:
        return f"Noise: the gate's floors, and {spread}. Neither run has A/A twins."
    return f"Noise: the gate's floors, {spread}, and by how much A/A twins differ ({', '.join(twins)})."


def _places(summary: Summary) -> list[Where]:
    return [(scenario.name, target.target) for scenario in summary.scenarios for target in scenario.targets]


def _listed(summary: Summary) -> str:
    found = [
        f"{', '.join(target.target for target in scenario.targets)} under {scenario.name}"
        for scenario in summary.scenarios
        if scenario.targets
    ]
    return "; ".join(found) or "nothing"
