"""The noise floor: how far apart the same target comes out when it is run under two names (A/A)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from reports.analysis.folding import Folds, Place
from reports.analysis.ratios import P50, P99, paired_ratios
from reports.analysis.spread import FEWEST_FOR_INTERVAL, spread_of_logs
from reports.summary import NoiseFloor

Floors = Mapping[Place, tuple[float | None, float | None]]
"""The floor of the p50 ratio and of the p99 ratio, by phase and operation."""


def noise_floors(
    places: Iterable[Place], pairs: Mapping[str, str], folds: Mapping[str, Mapping[int, Folds]]
) -> tuple[NoiseFloor, ...]:
    """One floor for each place and repeated target. `pairs` leads from a repeating target to the one it repeats,
    `folds` from a target to its completed repetitions."""
    found = []
    for phase, operation in places:
        for target, repeats in pairs.items():
            place = (phase, operation)
            own, other = folds.get(target, {}), folds.get(repeats, {})
            ratios = {quantile: paired_ratios(place, own, other, quantile) for quantile in (P50, P99)}
            if any(ratios.values()):
                found.append(
                    NoiseFloor(
                        phase=phase,
                        operation=operation,
                        target=target,
                        repeats=repeats,
                        p50=floor_of(ratios[P50]),
                        p99=floor_of(ratios[P99]),
                        repetitions=max(map(len, ratios.values())),
                    )
                )
    return tuple(found)


def floor_of(ratios: Sequence[float]) -> float | None:
    """exp of the largest |ln ratio|: at the ends of the interval, or with few repetitions at each ratio."""
    if not ratios:
        return None
    spread = spread_of_logs(ratios) if len(ratios) >= FEWEST_FOR_INTERVAL else None
    ends = ratios if spread is None else (spread.low, spread.high)
    return math.exp(max(abs(math.log(ratio)) for ratio in ends))


def largest_floors(floors: Iterable[NoiseFloor]) -> Floors:
    """What ratios are held against, where several targets are repeated."""
    largest: dict[Place, tuple[float | None, float | None]] = {}
    for floor in floors:
        place = (floor.phase, floor.operation)
        p50, p99 = largest.get(place, (None, None))
        largest[place] = (_larger(p50, floor.p50), _larger(p99, floor.p99))
    return largest


def _larger(one: float | None, other: float | None) -> float | None:
    return max((value for value in (one, other) if value is not None), default=None)
