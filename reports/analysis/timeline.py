"""A trial over time: latencies, failures and gauges in bins of one length."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from harness.records import (
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
from reports.read import Cell, Trial
from reports.summary import GaugePoint, Timeline, TimePoint

_LAST_COUNTS = frozenset({"opened_total", "limit"})


class TimelineFold:
    """Points from the trial's origin to the load's end, and the gauges that fell into the same bins."""

    def __init__(self, happened: Course) -> None:
        self._happened = happened
        self._bin_ns = bin_length_ns(happened.load_end_ns)
        self._successes: dict[int, Distribution] = {}
        self._failures: dict[int, Distribution] = {}
        self._aborted: Counter[int] = Counter()

    def add(self, cell: Cell) -> None:
        """Take in a cell of response times."""
        place = cell.start_ns // self._bin_ns
        if cell.key.outcome is Outcome.ABORTED:
            self._aborted[place] += cell.total
        else:
            side = self._successes if cell.key.outcome is Outcome.OK else self._failures
            found = side.get(place)
            if found is None:
                found = side[place] = Distribution()
            found.add(cell.counts, cell.total)

    def finish(self, trial: Trial) -> Timeline:
        """All points; `trial` gives the gauges."""
        last = max(
            [-(-self._happened.load_end_ns // self._bin_ns) - 1, *self._successes, *self._failures, *self._aborted]
        )
        return Timeline(
            repetition=trial.record.spec.repetition,
            points=tuple(map(self._point, range(last + 1))),
            gauges=tuple(_gauges(trial.readings, self._bin_ns)),
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


def _gauges(readings: Iterable[Reading], bin_ns: int) -> list[GaugePoint]:
    bins: dict[int, dict[str, int | float | None]] = {}
    for reading in readings:
        values = _values(reading) if reading.t_ns >= 0 else {}
        point = bins.setdefault(reading.t_ns // bin_ns, {}) if values else {}
        for name, value in values.items():
            before = point.get(name)
            if before is None or value is None or name in _LAST_COUNTS or value > before:
                point[name] = value
    return [GaugePoint.model_validate({"t_s": place * bin_ns / 1e9, **bins[place]}) for place in sorted(bins)]


def _values(reading: Reading) -> dict[str, int | float | None]:
    match reading:
        case PoolReading():
            return {
                "checked_out": reading.checked_out,
                "overflow": reading.overflow,
                "waiting": reading.waiting,
                "limit": reading.limit,
                "opened_total": reading.opened_total,
            }
        case DatabaseReading():
            return {"database_active": reading.active, "database_total": reading.total}
        case GeneratorReading():
            return {"in_flight": reading.in_flight, "users": reading.users}
        case HostReading():
            return {"host_cpu_percent": reading.cpu_percent}
        case _:
            return {}
