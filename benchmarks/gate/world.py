"""Made-up gates: pairs whose noise, drift, bursts, errors and planted shift are known. Pure, from a seed."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from reports.gate.flips import FloatArray
from reports.gate.model import ALL_ROUTES, Measured, Observed, Pair, Phase, PhaseKind, Quantiles, Slot, Stretch

ROUTES = 5
TARGET, STRETCH = "made-up", Stretch("steady", "hold")
_REQUESTS = 2_500
_P50_MS, _P99_MS, _CPU_MS, _CONNECTS = 8.0, 25.0, 0.8, 0.2


@dataclass(frozen=True, slots=True)
class World:
    """Standard deviations of logarithms: `noise` of a slot, `instance` of a process, for as long as it lives.

    Both sides of a pair drift alike, and a tenth of its drift apart; a burst makes a `burst_share` of slots slower
    by a fifth. `error_share` of slots have up to five errors. `shift` is the ratio of head's times to base's.
    """

    noise: float
    instance: float = 0.05
    drift: float = 0.2
    burst_share: float = 0.02
    error_share: float = 0.01
    shift: float = 1.0
    shifted_route: int | None = None  # all where there is none


def calm(sigma: float, shift: float = 1.0) -> World:
    """Nothing but noise: D of a p50 has this standard deviation."""
    return World(sigma / math.sqrt(2), instance=0.0, drift=0.0, burst_share=0.0, error_share=0.0, shift=shift)


def sigma_of(world: World, seed: int = 1, pairs: int = 3_000) -> float:
    """The standard deviation of D of a p50, as a calibration would measure it: with drift and bursts."""
    measured = make(world, pairs, np.random.default_rng(seed))
    p50s = [[_p50(side) for side in (pair.base, pair.head)] for pair in measured.pairs]
    return float(np.std([math.log(head / base) for base, head in p50s], ddof=1))


def _p50(slot: Slot) -> float:
    p50_ms = slot.phases[STRETCH].routes[ALL_ROUTES].successes.p50_ms
    return 0.0 if p50_ms is None else p50_ms


def make(world: World, pairs: int, rng: Generator) -> Measured:
    """A whole invocation of one target: `ROUTES` routes and all of them together."""
    shared = _drift(world, pairs, rng)
    made = tuple(
        Pair(
            number,
            TARGET,
            _slot(world, shared[number], rng, head=False),
            _slot(world, shared[number], rng, head=True),
        )
        for number in range(pairs)
    )
    return Measured(pairs_planned=pairs, pairs=made, seed=int(rng.integers(2**31)))


def _drift(world: World, pairs: int, rng: Generator) -> FloatArray:
    """A line and a wave over the hour."""
    at = np.linspace(0, 1, pairs)
    result: FloatArray = world.drift * (rng.normal() * at + 0.5 * np.sin(2 * np.pi * (at * 3 + rng.random())))
    return result


def _slot(world: World, drift: float, rng: Generator, *, head: bool) -> Slot:
    own = rng.normal(0, world.instance) + drift * (1 + rng.normal(0, 0.1))
    own += math.log(1.2) if rng.random() < world.burst_share else 0.0
    failing = rng.random() < world.error_share
    routes = {
        f"GET /{route}": _observed(world, own + _shift(world, route, head), rng, errors=0)
        for route in range(ROUTES)
    }
    everywhere = own + (_shift(world, None, head) if world.shifted_route is None else 0.0)
    routes[ALL_ROUTES] = _observed(world, everywhere, rng, errors=int(rng.integers(1, 6)) if failing else 0)
    cpu = _CPU_MS * math.exp(everywhere + rng.normal(0, world.noise / 2))
    phase = Phase(
        PhaseKind.STEADY, routes, generator_lag_ms=abs(float(rng.normal(0.3, 0.1))), cpu_ms_per_request=cpu
    )
    return Slot("same", phases={STRETCH: phase})


def _shift(world: World, route: int | None, head: bool) -> float:
    meant = world.shifted_route is None or route == world.shifted_route
    return math.log(world.shift) if head and meant else 0.0


def _observed(world: World, own: float, rng: Generator, errors: int) -> Observed:
    p50 = _P50_MS * math.exp(own + rng.normal(0, world.noise))
    p99 = _P99_MS * math.exp(own + rng.normal(0, 2 * world.noise))
    counts = {"statements": 3.0, "connects": _CONNECTS * math.exp(rng.normal(0, 0.02))}
    quantiles = Quantiles(p50, p99)
    return Observed(_REQUESTS, errors, quantiles, quantiles, counts)
