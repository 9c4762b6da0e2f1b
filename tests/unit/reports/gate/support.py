"""Pairs as a harness would hand them in, quiet but for a known noise, with something planted in head."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from functools import cache

import numpy as np

from reports.gate import judge
from reports.gate.acceptances import Acceptance
from reports.gate.flips import Flips
from reports.gate.looks import Look
from reports.gate.model import Measured, Observed, Pair, Phase, PhaseKind, Quantiles, Slot, Stretch
from reports.gate.result import GateResult, Row
from reports.gate.verdicts import Verdict

PAIRS = 14
TODAY = date(2026, 6, 1)
STEADY = Stretch("baseline", "hold")
ROUTE = "GET /items"

Change = Callable[[Slot, int], Slot]
"""A slot and its pair's number -> the slot with something planted."""


def observed(p50_ms: float = 8.0, p99_ms: float = 25.0, **changes: object) -> Observed:
    """A route of 2,500 requests without errors."""
    quantiles = Quantiles(p50_ms, p99_ms)
    one = Observed(2_500, 0, quantiles, quantiles, {"statements": 3.0})
    return replace(one, **changes)  # type: ignore[arg-type]


def slot(number: int, *, side: int, noise: float = 0.03, routes: tuple[str, ...] = ("all", ROUTE)) -> Slot:
    """Deterministic noise: the seed is the pair's number and the side."""
    rng = np.random.default_rng((number, side))
    made = {
        route: observed(8 * math.exp(rng.normal(0, noise)), 25 * math.exp(rng.normal(0, 2 * noise)))
        for route in routes
    }
    cpu_ms = 0.8 * math.exp(rng.normal(0, noise))
    phase = Phase(PhaseKind.STEADY, made, generator_lag_ms=0.3 + 0.01 * side, cpu_ms_per_request=cpu_ms)
    return Slot("same", position=side, phases={STEADY: phase})


def unchanged(slot: Slot, number: int) -> Slot:
    """Nothing planted."""
    return slot


def measured(
    head: Change = unchanged,
    base: Change = unchanged,
    *,
    both: Change = unchanged,
    pairs: int = PAIRS,
    noise: float = 0.03,
    routes: tuple[str, ...] = ("all", ROUTE),
) -> Measured:
    """`both` is planted in either side, and before what is planted in one."""
    made = []
    for number in range(pairs):
        sides = [both(slot(number, side=side, noise=noise, routes=routes), number) for side in (0, 1)]
        made.append(Pair(number, "sync-pool", base(sides[0], number), head(sides[1], number)))
    return Measured(pairs_planned=pairs, pairs=tuple(made), seed=7)


def gate(
    head: Change = unchanged,
    base: Change = unchanged,
    *,
    acceptances: tuple[Acceptance, ...] = (),
    **options: object,
) -> GateResult:
    """`judge` of `measured`."""
    return look(measured(head, base, **options), acceptances=acceptances)  # type: ignore[arg-type]


def look(of: Measured, at: Look = Look.ONLY, *, acceptances: tuple[Acceptance, ...] = ()) -> GateResult:
    """`judge` on the day of the tests; the flips, which scipy's equal, are made once."""
    flips = _flips(len({pair.number for pair in of.pairs}))
    return judge(of, today=TODAY, look=at, acceptances=acceptances, flips=flips)


@cache
def _flips(pairs: int) -> Flips:
    return Flips.of(pairs, seed=7, resamples=2**14)


def row(result: GateResult, metric: str, route: str = "all") -> Row:
    """The only row of a metric and route."""
    (found,) = [one for one in result.rows if (one.metric, one.route) == (metric, route)]
    return found


def of(result: GateResult, verdict: Verdict) -> set[tuple[str, str]]:
    """Metric and route of all rows with a verdict."""
    return {(one.metric, one.route) for one in result.rows if one.verdict is verdict}


def in_phase(**changes: object) -> Change:
    """Replace fields of the phase."""

    def change(slot: Slot, number: int) -> Slot:
        phases = {stretch: replace(phase, **changes) for stretch, phase in slot.phases.items()}  # type: ignore[arg-type]
        return replace(slot, phases=phases)

    return change


def in_route(change: Callable[[Observed, int], Observed], route: str | None = None) -> Change:
    """Change one route, or every."""

    def changed(slot: Slot, number: int) -> Slot:
        def routes(of: Mapping[str, Observed]) -> dict[str, Observed]:
            return {name: change(one, number) if route in (None, name) else one for name, one in of.items()}

        phases = {stretch: replace(phase, routes=routes(phase.routes)) for stretch, phase in slot.phases.items()}
        return replace(slot, phases=phases)

    return changed


def slower(ratio: float, route: str | None = None) -> Change:
    """Multiply latencies."""

    def times(of: Quantiles) -> Quantiles:
        return Quantiles(of.p50_ms and of.p50_ms * ratio, of.p99_ms and of.p99_ms * ratio)

    return in_route(lambda one, _: replace(one, successes=times(one.successes), answers=times(one.answers)), route)


def only_in(numbers: range, change: Change) -> Change:
    """Plant something in these pairs alone."""
    return lambda slot, number: change(slot, number) if number in numbers else slot


def then(*changes: Change) -> Change:
    """One after the other."""

    def every(slot: Slot, number: int) -> Slot:
        for change in changes:
            slot = change(slot, number)
        return slot

    return every
