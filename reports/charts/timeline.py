"""One trial over time: latency, failures and the pool's gauges on one time axis, fault windows shaded in all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import altair as alt

from reports.charts import build
from reports.charts.theme import INK, MUTED, SHADE, Spec
from reports.summary import FaultWindow, GaugePoint, Timeline, TimePoint

# Tokens of the template; a single one in a list stands for the whole list.
_TARGET, _SECONDS, _LATENCY, _LATENCY_TICKS = "@target", "@seconds", "@latency", "@latency-ticks"
_FAILED, _COUNT, _COUNT_TICKS = "@failed", "@count", "@count-ticks"
_FAILURE_PANEL = 1
_LATENCIES = ["p50", "p99", "max", "slowest failure"]
_GAUGES = ["limit", "in flight", "waiting", "checked out"]  # as drawn: the last lies on top
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
            _SECONDS: self.seconds,
            _LATENCY: self.latency_ms,
            _LATENCY_TICKS: build.log_ticks(self.latency_ms),
            _FAILED: (0, self.failed_max),
            _COUNT: count,
            _COUNT_TICKS: [tick for tick in build.COUNT_TICKS if tick <= count[1]],
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
    low_ms, high_ms = build.log_domain(latencies)
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
    spec = build.filled(_template(), {_TARGET: colour, **frame.tokens()})
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
    return {key: build.short(value) for key, value in row.items() if value is not None}


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


@cache
def _template() -> Spec:
    """The specification without data, colour and axes: it takes Altair 0.1 s, and is the same for all trials."""
    own = dict.fromkeys(("color", "shape", "strokeDash"), "independent")
    panels = [_latency_panel(), _failure_panel(), _gauge_panel()]
    return build.finish({"vconcat": panels, "spacing": 8, "resolve": {"scale": own}}, "")


def _named(name: str) -> alt.Chart:
    return alt.Chart(alt.NamedData(name=name))


def _at(field: str, axis: alt.Axis | None = None) -> alt.X:
    """A place on the time axis; every layer names the same domain, so that the panels stay aligned."""
    scale = alt.Scale(domain=[_SECONDS], nice=False, zero=False, padding=0)
    return alt.X(f"{field}:Q", scale=scale, axis=axis or _time_axis(labelled=False))


def _time_axis(*, labelled: bool) -> alt.Axis:
    title = "seconds since the trial began" if labelled else None
    return alt.Axis(labels=labelled, ticks=labelled, title=title, grid=False, tickCount=8)


def _count_axis(title: str, **more: Any) -> alt.Axis:
    return alt.Axis(title=title, minExtent=44, maxExtent=44, **more)


def _background(axis: alt.Axis | None = None) -> list[alt.Chart]:
    """Fault windows and phase rules, alike in each panel. A window's rim is neither with nor without fault."""
    tooltip = [
        alt.Tooltip("kind:N", title="fault"),
        alt.Tooltip("from:Q", title="in force from (s)", format=".2f"),
        alt.Tooltip("to:Q", title="until (s)", format=".2f"),
    ]
    rim = _named("windows").mark_rect(color=SHADE, opacity=0.35, clip=True)
    core = _named("windows").mark_rect(color=SHADE, opacity=0.6, clip=True)
    return [
        rim.encode(x=_at("outer from", axis), x2=alt.X2("outer to:Q")),
        core.encode(x=_at("from", axis), x2=alt.X2("to:Q"), tooltip=tooltip),
        _named("phases").mark_rule(color=MUTED, opacity=0.5, strokeWidth=0.7).encode(x=_at("from", axis)),
    ]


def _by_name(names: list[str], looks: list[Any], legend: alt.Legend | None) -> dict[str, Any]:
    return {"scale": alt.Scale(domain=names, range=looks), "sort": names, "legend": legend}


def _latency_panel() -> Spec:
    scale = alt.Scale(type="log", domain=[_LATENCY], nice=False)
    y = alt.Y("ms:Q", scale=scale, axis=_count_axis("latency (ms, log)", values=[_LATENCY_TICKS], format="~r"))
    tooltip = [
        alt.Tooltip("t:Q", title="time (s)", format=".2f"),
        alt.Tooltip("n:Q", title="requests"),
        alt.Tooltip("failed:Q", title="not successful"),
        *(alt.Tooltip(f"{name}:Q", title=f"{name} (ms)", format=".3~r") for name in _LATENCIES),
    ]
    legend = build.top_legend(offset=32)
    shapes = ["circle", "triangle-up", "cross", "diamond"]
    dots = (
        _named("points")
        .transform_fold([*_LATENCIES], as_=["figure", "ms"])
        .transform_filter("isValid(datum.ms)")
        .mark_point(filled=True, clip=True, opacity=0.9)
        .encode(
            x=_at("t"),
            y=y,
            shape=alt.Shape("figure:N", **_by_name(_LATENCIES, shapes, legend)),
            color=alt.Color("figure:N", **_by_name(_LATENCIES, [_TARGET, _TARGET, MUTED, INK], legend)),
            size=alt.Size("figure:N", **_by_name(_LATENCIES, [18, 26, 18, 22], None)),
            tooltip=tooltip,
        )
    )
    p50 = alt.Y("p50:Q", scale=scale)
    line = _named("points").mark_line(color=_TARGET, strokeWidth=1.2, clip=True).encode(x=_at("t"), y=p50)
    kinds = _named("windows").mark_text(align="left", baseline="top", dx=3, dy=3, color=INK, fontSize=10)
    labels = [kinds.encode(x=_at("from"), y=build.TOP, text=alt.Text("kind:N")), *_phase_names()]
    return build.layer([*_background(), line, dots, *labels], height=150, width=520)


def _phase_names() -> list[alt.Chart]:
    """In two rows by turns, so that the names of short phases do not run into each other."""
    return [
        _named("phases")
        .transform_filter(f"datum.row == {row}")
        .mark_text(align="left", baseline="bottom", dx=1, dy=-3 - 12 * row, color=MUTED, fontSize=10)
        .encode(x=_at("from"), y=build.TOP, text=alt.Text("name:N"))
        for row in (0, 1)
    ]


def _failure_panel() -> Spec:
    axis = _count_axis("failed", values=[_FAILED], format="d")
    bars = (
        _named("points")
        .transform_filter("datum.failed > 0")
        .mark_rule(color=INK, strokeWidth=3, clip=True)
        .encode(
            x=_at("t"),
            y=alt.Y("failed:Q", axis=axis, scale=alt.Scale(domain=[_FAILED], nice=False)),
            y2=alt.Y2Datum(0),
            tooltip=[
                alt.Tooltip("t:Q", title="time (s)", format=".2f"),
                alt.Tooltip("failed:Q", title="not successful"),
            ],
        )
    )
    return build.layer([*_background(), bars], height=36, width=520)


def _gauge_panel() -> Spec:
    scale = alt.Scale(type="symlog", domain=[_COUNT], nice=False)
    axis = _count_axis("count (log)", values=[_COUNT_TICKS], format="d")
    legend = build.top_legend(symbol=250)  # a line as long as 16 pixels
    lines = (
        _named("gauges")
        .transform_fold([*_GAUGES], as_=["gauge", "count"])
        .transform_filter("isValid(datum.count)")
        .mark_line(interpolate="step-after", clip=True)
        .encode(
            x=_at("t", _time_axis(labelled=True)),
            y=alt.Y("count:Q", scale=scale, axis=axis),
            color=alt.Color("gauge:N", **_by_name(_GAUGES, [MUTED, MUTED, INK, _TARGET], legend)),
            strokeDash=alt.StrokeDash("gauge:N", **_by_name(_GAUGES, [[5, 4], [1, 0], [2, 2], [1, 0]], legend)),
            strokeWidth=alt.StrokeWidth("gauge:N", **_by_name(_GAUGES, [1, 1, 1.6, 2.2], None)),
            tooltip=[
                alt.Tooltip("t:Q", title="time (s)", format=".2f"),
                alt.Tooltip("gauge:N"),
                alt.Tooltip("count:Q"),
            ],
        )
    )
    return build.layer([*_background(_time_axis(labelled=True)), lines], height=110, width=520)
