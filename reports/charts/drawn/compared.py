"""How the medians of two runs are drawn: a hollow point for A, a filled one for B, and a rule between."""

from __future__ import annotations

import altair as alt

from reports.charts import build
from reports.charts.theme import INK, PAPER, Spec
from reports.charts.values import TICKS


def template() -> Spec:
    """Without data, height and axes."""
    colour, shape = build.target_colour(), build.target_shape()
    tooltip = [
        alt.Tooltip("phase:N"),
        alt.Tooltip("target:N"),
        alt.Tooltip("a:Q", title="A: p50 (ms)", format=".3~r"),
        alt.Tooltip("b:Q", title="B: p50 (ms)", format=".3~r"),
    ]
    base = build.in_rows(build.named("rows"))
    layers: list[alt.Chart] = [
        base.mark_rule(strokeWidth=2, opacity=0.6).encode(x=_x("a"), x2=alt.X2("b:Q"), color=colour),
        base.mark_point(filled=False, size=45, fill=PAPER, opacity=1, strokeWidth=1.5).encode(
            x=_x("a"), color=colour, shape=shape
        ),
        base.mark_point(filled=True, size=60, opacity=1, stroke=INK, strokeWidth=0.4).encode(
            x=_x("b"), color=colour, shape=shape, tooltip=tooltip
        ),
    ]
    return build.finish(
        build.layer(layers, height=0, width="container"),
        "Median latency of successes per phase and target: hollow circle in run A, filled point in run B.",
    )


def _x(field: str) -> alt.X:
    axis = alt.Axis(values=[TICKS], title="p50 of successes (ms, log)", format="~r")
    return alt.X(f"{field}:Q", scale=build.log_ms(), axis=axis)
