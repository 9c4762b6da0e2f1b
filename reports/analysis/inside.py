"""What a probe saw in an app beside its pools: the worst of all readings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

from harness.records import InsideReading
from reports.analysis.folding import Observed
from reports.summary import InsideFigures

_Number = TypeVar("_Number", int, float)


def inside_figures(observed: Sequence[Observed]) -> InsideFigures | None:
    """Over all repetitions, from the first request on; None where there was no probe."""
    readings = [
        reading for one in observed for reading in one.trial.readings_of(InsideReading) if reading.t_ns >= 0
    ]
    if not readings:
        return None
    oldest = max(readings, key=lambda reading: reading.oldest_ms or 0.0)
    return InsideFigures(
        readings=len(readings),
        lag_max_ms=_largest(reading.lag_max_ms for reading in readings),
        oldest_ms=oldest.oldest_ms,
        oldest_place=oldest.oldest_place,
        tokens=_largest(reading.tokens for reading in readings),
        borrowed_max=_largest(reading.borrowed for reading in readings),
        waited_for_max=_largest(reading.threads_waited_for for reading in readings),
    )


def _largest(values: Iterable[_Number | None]) -> _Number | None:
    return max((value for value in values if value is not None), default=None)
