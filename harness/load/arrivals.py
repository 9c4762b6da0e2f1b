"""When each request of an open workload is to be sent: pure decisions about time."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, islice

from scenarios.model import Arrivals

NS_PER_S = 1_000_000_000
_HAIR = 1e-9
"""Of a request: what lies so close to the end of a step belongs to the next."""


@dataclass(frozen=True, slots=True)
class Share:
    """What one of `count` workers does, `index` from 0. All shares together are the whole, exactly."""

    index: int
    count: int

    def of_arrivals(self, schedule: Iterator[int]) -> Iterator[int]:
        """Every `count`-th arrival."""
        return islice(schedule, self.index, None, self.count)

    def of_number(self, number: int) -> int:
        """As equal a part of so many as whole ones allow."""
        return number // self.count + (self.index < number % self.count)


WHOLE = Share(0, 1)


class Lead:
    """How long before its time an arrival is set off, so that its request is ready when it is due.

    Between setting off and sending lie the end of a sleep, a turn of the event loop and some hundred lines of
    Python. How long that takes depends on machine and rate, so it is learnt: more by `STEP_NS` after each request
    that was not ready in time, less by a ninth of it after one that was, until one in ten is late. Steps are of
    `FIRST_STEP_NS` at first, and finer with each that was ready: a locustfile's client may need 2 ms. Never more
    than `MOST_NS`. Those that are ready wait.
    """

    MOST_NS = 5_000_000
    FIRST_STEP_NS = 90_000
    STEP_NS = 4_500
    FINER = 0.8

    def __init__(self) -> None:
        self.ns = 0
        self._step_ns = self.FIRST_STEP_NS

    def learn(self, late_ns: int) -> None:
        """Take in by how much a request was ready too late; below 0 it was ready before its time."""
        step_ns = self._step_ns if late_ns > 0 else -self._step_ns // 9
        self.ns = min(max(self.ns + step_ns, 0), self.MOST_NS)
        if late_ns <= 0:
            self._step_ns = max(round(self._step_ns * self.FINER), self.STEP_NS)


def arrival_offsets_ns(arrivals: Arrivals, duration_s: float, rng: random.Random) -> Iterator[int]:
    """Intended send times in nanoseconds from the start of the phase, ascending, all below its end.

    A constant process sends request i at i / rate. A Poisson process draws exponential gaps from `rng`. A ramp
    from a to b over D seconds has sent a*t + (b-a)*t^2/(2D) requests by t; request i is sent when that is i.
    Steps do the same under a rate that goes up or down in stairs.
    """
    end_ns = round(duration_s * NS_PER_S)
    for offset_s in _offsets_s(arrivals, duration_s, rng):
        offset_ns = round(offset_s * NS_PER_S)
        if offset_ns >= end_ns:
            return
        yield offset_ns


def _offsets_s(arrivals: Arrivals, duration_s: float, rng: random.Random) -> Iterator[float]:
    match arrivals.process:
        case "poisson":
            return _poisson(arrivals.rate_per_s, rng)
        case "ramp":
            return _ramp(arrivals.rate_per_s, arrivals.to_rate_per_s or arrivals.rate_per_s, duration_s)
        case "step":
            return _steps(arrivals, duration_s)
        case "constant":
            return (index / arrivals.rate_per_s for index in count())


def _poisson(rate_per_s: float, rng: random.Random) -> Iterator[float]:
    offset_s = rng.expovariate(rate_per_s)
    while True:
        yield offset_s
        offset_s += rng.expovariate(rate_per_s)


def _ramp(first_per_s: float, last_per_s: float, duration_s: float) -> Iterator[float]:
    half_slope = (last_per_s - first_per_s) / (2 * duration_s)
    for index in count():
        # A falling ramp sends a finite number; past it the root is imaginary and the phase is over.
        discriminant = first_per_s * first_per_s + 4 * half_slope * index
        if discriminant < 0:
            return
        # This form of the root loses no digits where the slope is small.
        yield 2 * index / (first_per_s + math.sqrt(discriminant))


def _steps(arrivals: Arrivals, duration_s: float) -> Iterator[float]:
    """Request i where the sum of all steps so far reaches i, so that none begins anew with a step."""
    steps, first, last = arrivals.steps or 2, arrivals.rate_per_s, arrivals.to_rate_per_s or arrivals.rate_per_s
    length_s, rise = duration_s / steps, (last - first) / (steps - 1)
    index = 0
    for step in range(steps):
        # In closed form: adding up a thousand products would lose digits.
        sent, sent_after = (length_s * (k * first + rise * k * (k - 1) / 2) for k in (step, step + 1))
        while index < sent_after - _HAIR:
            yield step * length_s + max(0.0, index - sent) / (first + rise * step)
            index += 1
