"""How one trial over time is drawn: three panels over one time axis."""

from __future__ import annotations

from typing import Any

import altair as alt

from reports.charts import build
from reports.charts.theme import INK, MUTED, SHADE, Spec
from reports.charts.timeline import COUNT, COUNT_TICKS, FAILED, LATENCY, LATENCY_TICKS, SECONDS, TARGET

_LATENCIES = ["p50", "p99", "max", "slowest failure"]
_GAUGES = ["limit", "in flight", "waiting", "checked out"]  # as drawn: the last lies on top


def template() -> Spec:
    """The specification without data, colour and axes, which is the same for all trials."""
    own = dict.fromkeys(("color", "shape", "strokeDash"), "independent")
    panels = [_latency_panel(), _failure_panel(), _gauge_panel()]
    return build.finish({"vconcat": panels, "spacing": 8, "resolve": {"scale": own}})


def _at(field: str, axis: alt.Axis | None = None) -> alt.X:
    """A place on the time axis; every layer names the same domain, so that the panels stay aligned."""
    scale = alt.Scale(domain=[SECONDS], nice=False, zero=False, padding=0)
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
    rim = build.named("windows").mark_rect(color=SHADE, opacity=0.35, clip=True)
    core = build.named("windows").mark_rect(color=SHADE, opacity=0.6, clip=True)
    return [
        rim.encode(x=_at("outer from", axis), x2=alt.X2("outer to:Q")),
        core.encode(x=_at("from", axis), x2=alt.X2("to:Q"), tooltip=tooltip),
        build.named("phases").mark_rule(color=MUTED, opacity=0.5, strokeWidth=0.7).encode(x=_at("from", axis)),
    ]


def _by_name(names: list[str], looks: list[Any], legend: alt.Legend | None) -> dict[str, Any]:
    return {"scale": alt.Scale(domain=names, range=looks), "sort": names, "legend": legend}


def _latency_panel() -> Spec:
    scale = alt.Scale(type="log", domain=[LATENCY], nice=False)
    y = alt.Y("ms:Q", scale=scale, axis=_count_axis("latency (ms, log)", values=[LATENCY_TICKS], format="~r"))
    tooltip = [
        alt.Tooltip("t:Q", title="time (s)", format=".2f"),
        alt.Tooltip("n:Q", title="requests"),
        alt.Tooltip("failed:Q", title="not successful"),
        *(alt.Tooltip(f"{name}:Q", title=f"{name} (ms)", format=".3~r") for name in _LATENCIES),
    ]
    legend = build.top_legend(offset=32)
    shapes = ["circle", "triangle-up", "cross", "diamond"]
    dots = (
        build.named("points")
        .transform_fold([*_LATENCIES], as_=["figure", "ms"])
        .transform_filter("isValid(datum.ms)")
        .mark_point(filled=True, clip=True, opacity=0.9)
        .encode(
            x=_at("t"),
            y=y,
            shape=alt.Shape("figure:N", **_by_name(_LATENCIES, shapes, legend)),
            color=alt.Color("figure:N", **_by_name(_LATENCIES, [TARGET, TARGET, MUTED, INK], legend)),
            size=alt.Size("figure:N", **_by_name(_LATENCIES, [18, 26, 18, 22], None)),
            tooltip=tooltip,
        )
    )
    p50 = alt.Y("p50:Q", scale=scale)
    line = build.named("points").mark_line(color=TARGET, strokeWidth=1.2, clip=True).encode(x=_at("t"), y=p50)
    kinds = build.named("windows").mark_text(align="left", baseline="top", dx=3, dy=3, color=INK, fontSize=10)
    labels = [kinds.encode(x=_at("from"), y=build.TOP, text=alt.Text("kind:N")), *_phase_names()]
    return build.layer([*_background(), line, dots, *labels], height=150, width=520)


def _phase_names() -> list[alt.Chart]:
    """In two rows by turns, so that the names of short phases do not run into each other."""
    return [
        build.named("phases")
        .transform_filter(f"datum.row == {row}")
        .mark_text(align="left", baseline="bottom", dx=1, dy=-3 - 12 * row, color=MUTED, fontSize=10)
        .encode(x=_at("from"), y=build.TOP, text=alt.Text("name:N"))
        for row in (0, 1)
    ]


def _failure_panel() -> Spec:
    axis = _count_axis("failed", values=[FAILED], format="d")
    bars = (
        build.named("points")
        .transform_filter("datum.failed > 0")
        .mark_rule(color=INK, strokeWidth=3, clip=True)
        .encode(
            x=_at("t"),
            y=alt.Y("failed:Q", axis=axis, scale=alt.Scale(domain=[FAILED], nice=False)),
            y2=alt.Y2Datum(0),
            tooltip=[
                alt.Tooltip("t:Q", title="time (s)", format=".2f"),
                alt.Tooltip("failed:Q", title="not successful"),
            ],
        )
    )
    return build.layer([*_background(), bars], height=36, width=520)


def _gauge_panel() -> Spec:
    scale = alt.Scale(type="symlog", domain=[COUNT], nice=False)
    axis = _count_axis("count (log)", values=[COUNT_TICKS], format="d")
    legend = build.top_legend(symbol=250)  # a line as long as 16 pixels
    lines = (
        build.named("gauges")
        .transform_fold([*_GAUGES], as_=["gauge", "count"])
        .transform_filter("isValid(datum.count)")
        .mark_line(interpolate="step-after", clip=True)
        .encode(
            x=_at("t", _time_axis(labelled=True)),
            y=alt.Y("count:Q", scale=scale, axis=axis),
            color=alt.Color("gauge:N", **_by_name(_GAUGES, [MUTED, MUTED, INK, TARGET], legend)),
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
