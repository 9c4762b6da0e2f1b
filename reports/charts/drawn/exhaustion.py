"""How a ladder is drawn: a line and its points for each target, and a rule where its exhaustion began."""

from __future__ import annotations

import altair as alt

from reports.charts import build
from reports.charts.exhaustion import OFFERED, PANELS, RANGE, STEPS, Panel
from reports.charts.theme import MUTED, Spec
from reports.charts.values import TICKS


def template() -> Spec:
    """Panel -> specification, without data and axes. Layers whose data are not given are to be left out."""
    return {panel.key: _panel(panel) for panel in PANELS}


def _panel(panel: Panel) -> Spec:
    scale = build.log_ms() if panel.logarithmic else alt.Scale(nice=True, zero=True)
    ticks = [TICKS] if panel.logarithmic else alt.Undefined
    axis = alt.Axis(title=panel.title, minExtent=40, tickCount=5, format="~r", values=ticks)
    base = build.named("rows").encode(x=_x())
    y = alt.Y(f"{panel.field}:Q", scale=scale, axis=axis)
    colour = build.target_colour()
    points = base.mark_point(filled=True, opacity=1).encode(
        y=y,
        color=colour,
        shape=build.target_shape(),
        size=alt.condition("datum.onset", alt.value(120), alt.value(40)),
        tooltip=[
            alt.Tooltip("target:N"),
            alt.Tooltip("offered:Q", title=OFFERED),
            alt.Tooltip(f"{panel.field}:Q", title=panel.title, format=".3~r"),
        ],
    )
    onset = base.transform_filter("datum.onset").mark_rule(strokeDash=[3, 3], opacity=0.6)
    layers = [
        *_threads(),
        *(_limits() if panel.key == "checked-out" else []),
        onset.encode(color=colour),
        base.mark_line(strokeWidth=1.5).encode(y=y, color=colour),
        points,
    ]
    return build.finish(build.layer(layers, height=190, width="container"))


def _x() -> alt.X:
    scale = alt.Scale(domain=[RANGE], nice=False)
    axis = alt.Axis(title=OFFERED, values=[STEPS], grid=False, labelOverlap=True)
    return alt.X("place:Q", scale=scale, axis=axis)


def _limits() -> list[alt.Chart]:
    data, y = build.named("limits"), alt.Y("limit:Q")
    text = data.mark_text(align="left", baseline="bottom", dx=3, dy=-2, color=MUTED, fontSize=10)
    return [
        data.mark_rule(color=MUTED, strokeDash=[5, 4]).encode(y=y),
        text.encode(x=build.LEFT, y=y, text=alt.Text("label:N")),
    ]


def _threads() -> list[alt.Chart]:
    chart = build.named("threads").encode(x=_x())
    text = chart.mark_text(align="left", baseline="top", dx=3, dy=1, color=MUTED, fontSize=10)
    return [
        chart.mark_rule(color=MUTED, strokeDash=[1, 3], strokeWidth=1.2),
        text.encode(y=build.TOP, text=alt.Text("label:N")),
    ]
