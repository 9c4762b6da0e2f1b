"""How long connections were held, and how long returning them took, by phase."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from typing import get_args

from harness.records import TimesReading
from reports.analysis.folding import Observed
from reports.analysis.spread import spread_of_logs
from reports.summary import HeldTimes
from reports.summary.figures import TimeKind
from scenarios.model import Phase, Scenario


def held_times(scenario: Scenario, observed: Sequence[Observed]) -> tuple[HeldTimes, ...]:
    """For each phase in which times were told: held and release, and of a probe the rest."""
    found = []
    for phase in scenario.phases:
        for of in get_args(TimeKind):
            readings = [
                reading
                for one in observed
                for reading in one.trial.readings_of(TimesReading)
                if (reading.phase, reading.of) == (phase.name, of)
            ]
            if readings:
                found.append(_held(phase, of, readings))
    return tuple(found)


def _held(phase: Phase, of: TimeKind, readings: Sequence[TimesReading]) -> HeldTimes:
    return HeldTimes(
        phase=phase.name,
        warmup=phase.warmup,
        of=of,
        repetitions=len(readings),
        count=sum(reading.count for reading in readings),
        p50_ms=_median(reading.p50_ms for reading in readings),
        p90_ms=_median(reading.p90_ms for reading in readings),
        p99_ms=_median(reading.p99_ms for reading in readings),
        max_ms=max((reading.max_ms for reading in readings if reading.max_ms is not None), default=None),
        p50_interval=spread_of_logs([reading.p50_ms for reading in readings]),
    )


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None
