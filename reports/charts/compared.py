"""Two runs side by side: how far the median moved, per phase and target."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt

from reports.charts import build, values
from reports.charts.theme import INK, PAPER, Spec

MovedRow = tuple[str, str, float, float]
"""Phase, target, p50 of run A, p50 of run B, in milliseconds."""


def compared_chart(rows: Sequence[MovedRow], targets: Sequence[str]) -> Spec:
    """One row per phase and target: hollow where A was, filled where B is. Width is the container's."""
    phases = list(dict.fromkeys(phase for phase, *_ in rows))
    drawn_rows = [{"phase": phase, "target": target, "a": a, "b": b} for phase, target, a, b in rows]
    domain = values.log_domain(value for row in rows for value in row[2:])
    axis = alt.Axis(values=values.log_ticks(domain), title="p50 of successes (ms, log)", format="~r")

    def x(field: str) -> alt.X:
        return alt.X(f"{field}:Q", scale=build.log_ms(domain), axis=axis)

    colour, shape = build.target_colour(targets), build.target_shape(targets)
    tooltip = [
        alt.Tooltip("phase:N"),
        alt.Tooltip("target:N"),
        alt.Tooltip("a:Q", title="A: p50 (ms)", format=".3~r"),
        alt.Tooltip("b:Q", title="B: p50 (ms)", format=".3~r"),
    ]
    base = build.in_rows(alt.Chart(build.rows(drawn_rows)), phases, targets)
    layers: list[alt.Chart] = [
        base.mark_rule(strokeWidth=2, opacity=0.6).encode(x=x("a"), x2=alt.X2("b:Q"), color=colour),
        base.mark_point(filled=False, size=45, fill=PAPER, opacity=1, strokeWidth=1.5).encode(
            x=x("a"), color=colour, shape=shape
        ),
        base.mark_point(filled=True, size=60, opacity=1, stroke=INK, strokeWidth=0.4).encode(
            x=x("b"), color=colour, shape=shape, tooltip=tooltip
        ),
    ]
    height_px = values.rows_height_px(len(phases), len(targets))
    return build.finish(
        build.layer(layers, height=height_px, width="container"),
        "Median latency of successes per phase and target: hollow circle in run A, filled point in run B.",
    )
