"""How round trips are drawn: a point for each latency and repetition, and the fitted line."""

from __future__ import annotations

import altair as alt

from reports.charts import build
from reports.charts.theme import PAPER, Spec
from reports.charts.values import DOMAIN, TICKS


def template() -> Spec:
    """Without data, targets and the axis of latencies."""
    y_axis = alt.Axis(title="p50 of successes (ms)", minExtent=40, tickCount=6)
    y = alt.Y("p50:Q", axis=y_axis, scale=alt.Scale(zero=True))
    colour = build.target_colour()
    points = build.named("points").mark_point(filled=True, size=45, opacity=1, stroke=PAPER, strokeWidth=0.5)
    layers: list[alt.Chart] = [
        build.named("lines").mark_line(strokeWidth=1.3).encode(x=_x("latency"), y=y, color=colour),
        points.encode(
            x=_x("place"),
            y=y,
            color=colour,
            shape=build.target_shape(),
            tooltip=[
                alt.Tooltip("target:N"),
                alt.Tooltip("latency:Q", title="injected (ms)"),
                alt.Tooltip("p50:Q", title="p50 (ms)", format=".3~r"),
                alt.Tooltip("requests:Q"),
                alt.Tooltip("repetition:Q"),
            ],
        ),
    ]
    return build.finish(build.layer(layers, height=230, width="container"))


def _x(field: str) -> alt.X:
    scale = alt.Scale(domain=[DOMAIN], nice=False, zero=False)
    axis = alt.Axis(title="injected latency (ms)", values=[TICKS], grid=False)
    return alt.X(f"{field}:Q", scale=scale, axis=axis)
