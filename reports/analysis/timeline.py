"""A trial over time: latencies, failures and gauges in bins of one length."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any, TypeVar

from harness.records import (
    MOST_BINS,
    DatabaseReading,
    GeneratorReading,
    HostReading,
    Outcome,
    PoolReading,
    Reading,
    bin_length_ns,
)
from reports.analysis.windows import Course
from reports.distribution import FEWEST_FOR_P99, Distribution
from reports.read import DamageError, SeriesCell, Trial
from reports.summary import GaugePoint, Timeline, TimePoint

MOST_POINTS = 20 * MOST_BINS
"""Requests long after the load's end make more than `MOST_BINS` points; so many were never recorded."""


class TimelineFold:
    """Points from the trial's origin to the load's end, and the gauges that fell into the same bins."""

    def __init__(self, happened: Course) -> None:
        self._happened = happened
        self._bin_ns = bin_length_ns(happened.load_end_ns)
        self._successes: dict[int, Distribution] = {}
        self._failures: dict[int, Distribution] = {}
        self._aborted: Counter[int] = Counter()

    def add(self, cell: SeriesCell) -> None:
        """Take in a cell of response times."""
        place = cell.start_ns // self._bin_ns
        if cell.key.outcome is Outcome.ABORTED:
            self._aborted[place] += cell.total
        else:
            side = self._successes if cell.key.outcome is Outcome.OK else self._failures
            found = side.get(place)
            if found is None:
                found = side[place] = Distribution()
            found.add(cell.counters, cell.total)

    def finish(self, trial: Trial) -> Timeline:
        """All points; `trial` gives the gauges."""
        last = max(
            [-(-self._happened.load_end_ns // self._bin_ns) - 1, *self._successes, *self._failures, *self._aborted]
        )
        if last >= MOST_POINTS:
            raise DamageError(
                f"requests were recorded up to {last * self._bin_ns / 1e9:,.0f} s, beyond the load's end"
            )
        return Timeline(
            repetition=trial.record.spec.repetition,
            points=tuple(map(self._point, range(last + 1))),
            gauges=tuple(_gauges(trial, self._bin_ns)),
            phases=tuple((span.name, span.start_ns / 1e9, span.end_ns / 1e9) for span in self._happened.phases),
        )

    def _point(self, place: int) -> TimePoint:
        success, failure = self._successes.get(place, _NOTHING), self._failures.get(place, _NOTHING)
        p50_ms, p99_ms, max_ms = success.quantiles_ms(500, 990, 1000)
        return TimePoint(
            t_s=place * self._bin_ns / 1e9,
            requests=success.total + failure.total + self._aborted[place],
            failures=failure.total,
            p50_ms=p50_ms,
            p99_ms=p99_ms if success.total >= FEWEST_FOR_P99 else None,
            max_ms=max_ms,
            failure_max_ms=failure.quantiles_ms(1000)[0],
        )


_NOTHING = Distribution()


_OneReading = TypeVar("_OneReading", bound=Reading)


def _gauges(trial: Trial, bin_ns: int) -> list[GaugePoint]:
    bins: dict[int, dict[str, Any]] = {}
    for kind, gauges in _GAUGES.items():
        for place, inside in groupby(_of_primary(trial.readings_of(kind)), lambda reading: reading.t_ns // bin_ns):
            if place >= 0:
                together = list(inside)
                bins.setdefault(place, {}).update({name: of(together) for name, of in gauges.items()})
    return [GaugePoint.model_validate({"t_s": place * bin_ns / 1e9, **bins[place]}) for place in sorted(bins)]


def _of_primary(readings: Iterable[_OneReading]) -> Iterator[_OneReading]:
    """Without the sessions on other servers, which would be taken for the primary's."""
    return (reading for reading in readings if not isinstance(reading, DatabaseReading) or reading.of_primary)


def _largest(field: str) -> Callable[[Sequence[Reading]], Any]:
    value_of = attrgetter(field)
    return lambda readings: max(map(value_of, readings))


def _last(field: str) -> Callable[[Sequence[Reading]], Any]:
    value_of = attrgetter(field)
    return lambda readings: value_of(readings[-1])


_GAUGES: Mapping[type[Reading], Mapping[str, Callable[[Sequence[Reading]], Any]]] = {
    PoolReading: {
        **{name: _largest(name) for name in ("checked_out", "overflow", "waiting")},
        **{name: _last(name) for name in ("limit", "opened_total")},
    },
    DatabaseReading: {"database_active": _largest("active"), "database_total": _largest("total")},
    GeneratorReading: {name: _largest(name) for name in ("in_flight", "users")},
    HostReading: {"host_cpu_percent": _largest("cpu_percent")},
}
"""What is drawn of the readings of one bin, of each kind: the point's field, and how they make it."""
