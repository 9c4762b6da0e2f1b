"""Two series of rounds, taken alternately, as figures: pure."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

from benchmarks.fidelity.base import Figure
from benchmarks.fidelity.statistics import Estimate, median, median_estimate


def shuffled(rounds: int, names: Sequence[str], rng: random.Random) -> list[tuple[str, ...]]:
    """The order in each round: each once, in random order, so that drift and habit favour none."""
    return [tuple(rng.sample(names, len(names))) for _ in range(rounds)]


def level(name: str, values: Sequence[float], unit: str = "ms") -> Figure:
    """The median over rounds, for information."""
    return Figure(name, median_estimate(values), unit)


def difference(
    name: str, ours_ms: Sequence[float], theirs_ms: Sequence[float], *, within_ms: float, within_share: float = 0.0
) -> Figure:
    """Ours less theirs, paired by round; within the larger of `within_ms` and a share of their median."""
    paired = [ours - theirs for ours, theirs in zip(ours_ms, theirs_ms, strict=True)]
    by_share_ms = within_share * median(theirs_ms)
    limit_ms = max(within_ms, by_share_ms)
    wording = f"within {within_ms:g} ms"
    if within_share:
        wording = f"within {100 * within_share:g} % ({by_share_ms:.3g} ms) or {within_ms:g} ms"
    return Figure(name, median_estimate(paired), "ms", at_most=limit_ms, at_least=-limit_ms, bound=wording)


def excess(
    name: str, ours: Sequence[float], theirs: Sequence[float], *, at_most: float, both_ways: bool
) -> Figure:
    """By how many per cent ours is above theirs, paired by round; at most so many, `both_ways` or upwards only."""
    paired = [100 * (mine / other - 1) for mine, other in zip(ours, theirs, strict=True)]
    if both_ways:
        bound = f"within {at_most:g} %"
        return Figure(name, median_estimate(paired), "%", at_most=at_most, at_least=-at_most, bound=bound)
    return Figure(name, median_estimate(paired), "%", at_most=at_most, bound=f"at most {at_most:g} % more")


def shown_only(figure: Figure) -> Figure:
    """The same without its bound: for information."""
    return replace(figure, at_most=None, at_least=None, bound="")


def gap(ours: Sequence[float], theirs: Sequence[float]) -> Estimate:
    """Ours less theirs, paired by round."""
    return median_estimate([mine - other for mine, other in zip(ours, theirs, strict=True)])
