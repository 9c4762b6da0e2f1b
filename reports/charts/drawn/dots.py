"""How latencies side by side are drawn: bars, ticks and a point for each target in each phase."""

from __future__ import annotations

import altair as alt

from reports.charts import build
from reports.charts.theme import INK, MUTED, Spec
from reports.charts.values import TICKS


def template() -> Spec:
    """Without data, height and axes; the last layers are the intervals."""
    base = build.in_rows(build.named("rows"))
    colour, shape = build.target_colour(), build.target_shape()
    percentiles = map(_tooltip, ("p50", "p90", "p99", "max"))
    tooltip = [alt.Tooltip("phase:N"), alt.Tooltip("target:N"), *percentiles, alt.Tooltip("requests:Q")]
    layers: list[alt.Chart] = [
        base.mark_rule(color=MUTED, strokeWidth=1, strokeDash=[2, 3]).encode(x=_x("p90"), x2=alt.X2("max:Q")),
        base.mark_rule(strokeWidth=1.5).encode(x=_x("p50"), x2=alt.X2("p99:Q"), color=colour),
        base.mark_rule(strokeWidth=4, opacity=0.55).encode(x=_x("p50"), x2=alt.X2("p90:Q"), color=colour),
        base.mark_tick(color=MUTED, thickness=1.5, size=8).encode(x=_x("max")),
        base.mark_tick(thickness=2, size=10).encode(x=_x("p99"), color=colour),
        base.mark_point(filled=True, size=60, opacity=1, stroke=INK, strokeWidth=0.4).encode(
            x=_x("p50"), color=colour, shape=shape, tooltip=tooltip
        ),
        *_intervals(base),
    ]
    return build.finish(
        build.layer(layers, height=0, width="container"),
        (
            "Latency of successful requests per phase and target: the point is p50, the thick bar reaches p90, "
            "the coloured tick is p99 where there were enough requests, the grey tick is the slowest; the thin "
            "dark bar over the point is the interval of p50 over the repetitions."
        ),
    )


def _x(field: str) -> alt.X:
    axis = alt.Axis(values=[TICKS], title="latency of successes (ms, log)", format="~r")
    return alt.X(f"{field}:Q", scale=build.log_ms(), axis=axis)


def _intervals(base: alt.Chart) -> list[alt.Chart]:
    """Error bars, in ink so that they are seen on the target's own colour."""
    known = base.transform_filter("isValid(datum.low)")
    return [
        known.mark_rule(color=INK, strokeWidth=1.4).encode(x=_x("low"), x2=alt.X2("high:Q")),
        known.mark_tick(color=INK, thickness=1.4, size=8).encode(x=_x("low")),
        known.mark_tick(color=INK, thickness=1.4, size=8).encode(x=_x("high")),
    ]


def _tooltip(name: str) -> alt.Tooltip:
    return alt.Tooltip(f"{name}:Q", title=f"{name} (ms)", format=".3~r")
