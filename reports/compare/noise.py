"""What the same thing differs by when it is run twice in one block: twins, and gates of a thing against itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from reports.analysis.folding import Observed
from reports.analysis.spread import spread_of
from reports.compare.repeated import columns_of, side_by_side
from reports.gate.columns import Column, Scale
from reports.gate.model import Phase, Stretch

Key = tuple[Stretch, str, str, Scale]
"""Phase, route, metric and scale."""
Phases = Mapping[Stretch, Phase]
ByRepetition = Mapping[int, Phases]


@dataclass(frozen=True, slots=True)
class Twins:
    """The same thing under two names in one run, by repetition; both ran in one block."""

    names: tuple[str, str]
    first: ByRepetition
    second: ByRepetition


def noise_of(twins: Iterable[Twins]) -> dict[Key, float]:
    """The largest effect that chance made of nothing: at the ends of the interval over three or more repetitions,
    else at each repetition's. Of several twins the largest.
    """
    found: dict[Key, float] = {}
    for one in twins:
        repetitions = sorted(one.first.keys() & one.second.keys())
        stretches = dict.fromkeys(stretch for number in repetitions for stretch in one.first[number])
        for stretch in stretches:
            pairs = {
                number: (one.first[number][stretch], one.second[number][stretch])
                for number in repetitions
                if stretch in one.first[number] and stretch in one.second[number]
            }
            for made in columns_of(side_by_side(one.names[0], stretch, pairs)) if pairs else ():
                if isinstance(made, Column):
                    key = (stretch, made.series.place.route, made.series.metric, made.scale)
                    found[key] = max(found.get(key, 0.0), _largest(made.values[made.present].tolist()))
    return found


def _largest(effects: Sequence[float]) -> float:
    spread = spread_of(effects)
    ends = effects if spread is None else (spread.low, spread.high)
    return max(map(abs, ends))


def by_repetition(trials: Sequence[Observed], phases: Sequence[Phases]) -> ByRepetition:
    """The phases of usable trials by the number of their repetition."""
    return {one.repetition: found for one, found in zip(trials, phases, strict=True)}
