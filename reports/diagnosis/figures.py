"""Figures that several rules ask for. Each is a count, a mean or a ratio; nothing here judges."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import attrgetter, itemgetter
from statistics import fmean
from typing import TypeVar

from harness.records import DatabaseReading, GeneratorReading, HostReading, Reading
from reports.diagnosis.evidence import NS_PER_S, Evidence, stretches
from reports.diagnosis.rule import Stretch
from reports.distribution import Distribution

_Reading = TypeVar("_Reading", bound=Reading)


def load_s(evidence: Evidence) -> float:
    """How long the load lasted after the warm-up."""
    return max(evidence.end_ns - evidence.start_ns, 1) / NS_PER_S


def under_load(evidence: Evidence, readings: Sequence[_Reading]) -> list[_Reading]:
    """Those between the warm-up's end and the load's."""
    return [one for one in readings if evidence.start_ns <= one.t_ns <= evidence.end_ns]


def told(evidence: Evidence, name: str) -> int | None:
    """By how much a count of the probe rose from the first request on; None where it is not told."""
    values = [value for one in evidence.inside if (value := getattr(one, name)) is not None]
    return None if not values else round(max(values) - values[0])


def mean_told(evidence: Evidence, name: str) -> float | None:
    """A gauge of the probe on average under load; None where it is not told."""
    values = [value for one in under_load(evidence, evidence.inside) if (value := getattr(one, name)) is not None]
    return fmean(values) if values else None


def last_told(evidence: Evidence, name: str) -> int | None:
    """A gauge of the probe when it was read last, which is after the drain; None where it is not told."""
    values = [value for one in evidence.inside if (value := getattr(one, name)) is not None]
    return round(values[-1]) if values else None


@dataclass(frozen=True, slots=True)
class Sessions:
    """On average under load, and the most."""

    active: float
    idle: float
    idle_in_transaction: float
    most: int

    @property
    def busy(self) -> float:
        """In a statement or in a transaction."""
        return self.active + self.idle_in_transaction


def sessions_of(evidence: Evidence) -> Sessions | None:
    """None where they were not read under load."""
    readings = under_load(evidence, evidence.sessions)
    if not readings:
        return None
    return Sessions(
        active=fmean(one.active for one in readings),
        idle=fmean(one.idle for one in readings),
        idle_in_transaction=fmean(one.idle_in_transaction for one in readings),
        most=max(one.total for one in readings),
    )


def cores_of(evidence: Evidence, part: str) -> float | None:
    """How many processors a part kept busy under load; None where that is not known."""
    read = [one for one in under_load(evidence, evidence.host) if part in one.cpu_s]
    if len(read) < 2 or read[-1].t_ns <= read[0].t_ns:
        return None
    return (read[-1].cpu_s[part] - read[0].cpu_s[part]) / ((read[-1].t_ns - read[0].t_ns) / NS_PER_S)


def app_cores(evidence: Evidence) -> float | None:
    """How many processors the app kept busy under load."""
    return cores_of(evidence, "app")


def in_flight(evidence: Evidence) -> list[tuple[int, int]]:
    """Moments in ns, and how many requests were under way."""
    return [(one.t_ns, one.in_flight) for one in evidence.readings(GeneratorReading)]


def at(moments: Sequence[tuple[int, int]], t_ns: int) -> int:
    """What was read last at a moment, or first where it is earlier than all; 0 where nothing was."""
    if not moments:
        return 0
    after = bisect_right(moments, t_ns, key=itemgetter(0))
    return moments[max(0, after - 1)][1]


def threads(evidence: Evidence) -> list[HostReading]:
    """Readings under load that tell of the app's threads."""
    return [one for one in under_load(evidence, evidence.host) if one.app_threads is not None]


def nearest(readings: Sequence[DatabaseReading], t_ns: int) -> DatabaseReading | None:
    """The sessions read nearest to a moment, of readings by time."""
    after = bisect_left(readings, t_ns, key=attrgetter("t_ns"))
    return min(readings[max(0, after - 1) : after + 1], key=lambda one: abs(one.t_ns - t_ns), default=None)


def at_one_limit(latencies: Distribution) -> tuple[float, float] | None:
    """First decile and third quartile in ms, where they lie so close together as waits that one limit ended."""
    low_ms, high_ms = latencies.quantiles_ms(100, 750)
    if low_ms is None or high_ms is None or high_ms > CLUSTERED * low_ms:
        return None
    return low_ms, high_ms


def rises(values: Iterable[int]) -> list[int]:
    """By how much a total rose from each reading to the next."""
    return [max(0, later - earlier) for earlier, later in pairwise(values)]


def moments_of(readings: Sequence[_Reading], holds: Callable[[_Reading], bool], what: str) -> tuple[Stretch, ...]:
    """When it held, the longest first."""
    found = sorted(stretches(readings, holds), key=lambda span: span[0] - span[1])
    return tuple((start / NS_PER_S, end / NS_PER_S, what) for start, end in found[:3])


def not_starved(evidence: Evidence) -> tuple[str, ...]:
    """That the app had processor time left, as something that was ruled out."""
    cores = app_cores(evidence)
    if cores is None or cores >= STARVED:
        return ()
    return (f"no lack of processor time: the app used {cores:.2f} of one",)


CLUSTERED = 1.3
"""Failures at a time limit lie so close together: the third quartile over the first decile."""
STARVED = 0.8
"""From so much of a processor on, a Python process may have none left."""
