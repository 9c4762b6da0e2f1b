"""Made-up gates: columns whose noise, drift, bursts, errors and planted shift are known. Pure, from a seed."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from reports.gate import limits
from reports.gate.columns import Column, Scale, Series
from reports.gate.errors import rare_events
from reports.gate.flips import FloatArray
from reports.gate.model import Place

ROUTES = ("all", "GET /0", "GET /1", "GET /2", "GET /3", "GET /4")
_REQUESTS = 2_500
_COUNT_NOISE = 0.02


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
    shifted_route: str | None = None  # every one, and processor time, where there is none


def calm(sigma: float, shift: float = 1.0, shifted_route: str | None = None) -> World:
    """Nothing but noise: D of a p50 has this standard deviation."""
    return World(sigma / math.sqrt(2), 0.0, 0.0, 0.0, 0.0, shift, shifted_route)


def sigma_of(world: World, seed: int = 1, pairs: int = 20_000) -> float:
    """The standard deviation of D of a p50 over pairs, as a calibration would measure it."""
    rng = np.random.default_rng(seed)
    of_processes = _processes(world, pairs, rng)
    return float(np.std(of_processes + _slots(pairs, world.noise, rng), ddof=1))


def gate(world: World, pairs: int, rng: Generator) -> list[Column]:
    """All columns of one invocation: six routes' p50, p99, errors and connects, and four of the whole."""
    made = list(_columns(world, pairs, rng))
    rare = rare_events(Series("errors", Place("made-up")), _rare(world, pairs, rng), pairs, "")
    return made if rare is None else [*made, rare]


def _columns(world: World, pairs: int, rng: Generator) -> Iterator[Column]:
    processes = _processes(world, pairs, rng)
    failing = (rng.random((2, pairs)) < world.error_share) * rng.integers(1, 6, (2, pairs)) / _REQUESTS
    for route in ROUTES:
        shift = math.log(world.shift) if world.shifted_route in (None, route) else 0.0
        yield _column("p50", route, processes + _slots(pairs, world.noise, rng) + shift, limits.P50)
        yield _column("p99", route, processes + _slots(pairs, 2 * world.noise, rng) + shift, limits.P99)
        yield _column("connects", route, _slots(pairs, _COUNT_NOISE, rng), limits.COUNT_LOG)
        shares = failing[1] - failing[0] if route == "all" else np.zeros(pairs)
        yield _column("error-share", route, shares, limits.ERROR_SHARE, Scale.DIFFERENCE)
    burnt = math.log(world.shift) if world.shifted_route is None else 0.0
    yield _column("cpu", "all", processes + _slots(pairs, world.noise / 2, rng) + burnt, limits.CPU)


def _processes(world: World, pairs: int, rng: Generator) -> FloatArray:
    """What all metrics of a pair share: bias of either process, what is not common of the drift, and bursts."""
    at = np.linspace(0, 1, pairs)
    drift = world.drift * (rng.normal() * at + 0.5 * np.sin(2 * np.pi * (3 * at + rng.random())))
    apart = drift * _slots(pairs, 0.1, rng)
    bursts = math.log(1.2) * np.diff(rng.random((2, pairs)) < world.burst_share, axis=0)[0].astype(float)
    signs = rng.choice([-1.0, 1.0], pairs)
    result: FloatArray = _slots(pairs, world.instance, rng) + apart + bursts * signs
    return result


def _slots(pairs: int, deviation: float, rng: Generator) -> FloatArray:
    """Head minus base of two independent slots."""
    base, head = rng.normal(0, deviation, (2, pairs))
    result: FloatArray = head - base
    return result


def _rare(world: World, pairs: int, rng: Generator) -> dict[int, tuple[float, float]]:
    any_of = (rng.random((pairs, 2)) < world.error_share).astype(float)
    return {row: (float(base), float(head)) for row, (base, head) in enumerate(any_of)}


def _column(
    metric: str, route: str, values: FloatArray, bounds: tuple[float, float], scale: Scale = Scale.LOG_RATIO
) -> Column:
    series = Series(metric, Place("made-up", "steady", "hold", route))
    return Column(series, values, np.ones(values.size, dtype=np.bool_), *bounds, scale)
