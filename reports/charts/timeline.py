"""One trial over time: latency, failures and the pool's gauges on one time axis, fault windows shaded in all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from reports.charts import values
from reports.charts.templates import template
from reports.charts.theme import Spec
from reports.summary import FaultWindow, GaugePoint, Timeline, TimePoint

# Tokens of the template; a single one in a list stands for the whole list.
TARGET, SECONDS, LATENCY, LATENCY_TICKS = "@target", "@seconds", "@latency", "@latency-ticks"
FAILED, COUNT, COUNT_TICKS = "@failed", "@count", "@count-ticks"
_FAILURE_PANEL = 1
_DATA = ("points", "gauges", "windows", "phases")


@dataclass(frozen=True, slots=True)
class Frame:
    """The axes that all targets of a scenario share, so that their charts may be compared by eye."""

    seconds: tuple[float, float]
    latency_ms: tuple[float, float]
    failed_max: int
    count_max: float

    def tokens(self) -> dict[str, Sequence[float]]:
        """What the template's tokens stand for."""
        count = (0.0, self.count_max * 1.1)
        return {
            SECONDS: self.seconds,
            LATENCY: self.latency_ms,
            LATENCY_TICKS: values.log_ticks(self.latency_ms),
            FAILED: (0, self.failed_max),
            COUNT: count,
            COUNT_TICKS: [tick for tick in values.COUNT_TICKS if tick <= count[1]],
        }


def frame_of(timelines: Iterable[Timeline]) -> Frame:
    """Axes that hold all the timelines. Phases give the time; points and gauges give the rest."""
    timelines = tuple(timelines)
    ends_s = [end for line in timelines for _, _, end in line.phases]
    starts_s = [start for line in timelines for _, start, _ in line.phases]
    points = [point for line in timelines for point in line.points]
    counts = [
        value
        for line in timelines
        for gauge in line.gauges
        for value in (gauge.checked_out, gauge.waiting, gauge.in_flight, gauge.limit)
        if value is not None
    ]
    latencies = [value for point in points for value in (point.p50_ms, point.max_ms, point.failure_max_ms)]
    low_ms, high_ms = values.log_domain(latencies)
    return Frame(
        seconds=(min(starts_s, default=0.0), max(ends_s, default=1.0)),
        latency_ms=(low_ms, high_ms * 2),  # room for the names of the faults
        failed_max=max([0, *(point.failures for point in points)]),
        count_max=float(max([10, *counts])),
    )


def timeline_chart(
    target: str,
    colour: str,
    timeline: Timeline,
    faults: Sequence[FaultWindow],
    frame: Frame,
    subtitle: str = "",
) -> Spec:
    """Latency, failures and gauges of one trial; `faults` are those of the same repetition.

    `subtitle` tells which trial is drawn, where there are several.
    """
    spec = values.filled(template("timeline"), {TARGET: colour, **frame.tokens()})
    if not frame.failed_max:
        del spec["vconcat"][_FAILURE_PANEL]
    data = {
        "points": [_point_row(point) for point in timeline.points],
        "gauges": [_gauge_row(gauge) for gauge in timeline.gauges],
        "windows": [_window_row(fault, frame) for fault in faults],
        "phases": [
            {"from": start, "name": name, "row": number % 2}
            for number, (name, start, _) in enumerate(timeline.phases)
        ],
    }
    described = "; ".join(
        f"{fault.kind} from {fault.inject_done_s:.1f} s"
        + (f" to {fault.heal_begin_s:.1f} s" if fault.heal_begin_s is not None else ", never healed")
        for fault in faults
    )
    return {
        **spec,
        "datasets": {name: [_shortened(row) for row in data[name]] for name in _DATA},
        "title": {"text": target, "subtitle": subtitle} if subtitle else target,
        "description": (
            f"{target}, repetition {timeline.repetition}: latency, failed requests and pool gauges over time. "
            f"Fault windows: {described or 'none'}."
        ),
    }


def _shortened(row: dict[str, object]) -> dict[str, object]:
    return {key: value for key, value in values.shortened(row).items() if value is not None}


def _point_row(point: TimePoint) -> dict[str, object]:
    return {
        "t": point.t_s,
        "p50": point.p50_ms,
        "p99": point.p99_ms,
        "max": point.max_ms,
        "slowest failure": point.failure_max_ms,
        "n": point.requests,
        "failed": point.failures,
    }


def _gauge_row(gauge: GaugePoint) -> dict[str, object]:
    return {
        "t": gauge.t_s,
        "checked out": gauge.checked_out,
        "waiting": gauge.waiting,
        "in flight": gauge.in_flight,
        "limit": gauge.limit,
    }


def _window_row(fault: FaultWindow, frame: Frame) -> dict[str, object]:
    end_s = frame.seconds[1]
    heal_begin_s = end_s if fault.heal_begin_s is None else fault.heal_begin_s
    return {
        "from": fault.inject_done_s,
        "to": heal_begin_s,
        "outer from": fault.inject_begin_s,
        "outer to": heal_begin_s if fault.heal_done_s is None else fault.heal_done_s,
        "kind": fault.kind,
    }
