"""Median latency over injected latency: the slope is the number of round trips in a row."""

from __future__ import annotations

from collections.abc import Mapping

import altair as alt

from reports.charts import build
from reports.charts.theme import PAPER, Spec
from reports.summary import RoundTrips

_ASIDE = 0.006
"""How far apart the targets' points of one latency are drawn, as a share of the axis."""


def round_trips_chart(operation: str, found: Mapping[str, RoundTrips]) -> Spec:
    """Target -> its round trips of one operation: points and the fitted line. Width is the container's."""
    widest = max((point.latency_ms for trips in found.values() for point in trips.points), default=1.0) or 1.0
    points = [
        {
            "target": target,
            "place": point.latency_ms + (number - (len(found) - 1) / 2) * _ASIDE * widest,
            "latency": point.latency_ms,
            "p50": point.p50_ms,
            "requests": point.requests,
            "repetition": point.repetition,
        }
        for number, (target, trips) in enumerate(found.items())
        for point in trips.points
    ]
    lines = [
        {"target": target, "latency": latency, "p50": trips.intercept_ms + trips.slope * latency}
        for target, trips in found.items()
        for latency in (0.0, widest)
    ]
    ladder = sorted({float(row["latency"]) for row in points})  # type: ignore[arg-type]
    x_scale = alt.Scale(domain=[-0.03 * widest, 1.03 * widest], nice=False, zero=False)
    x_axis = alt.Axis(title="injected latency (ms)", values=ladder, grid=False)
    y_axis = alt.Axis(title="p50 of successes (ms)", minExtent=40, tickCount=6)

    def at(field: str) -> alt.X:
        return alt.X(f"{field}:Q", scale=x_scale, axis=x_axis)

    y = alt.Y("p50:Q", axis=y_axis, scale=alt.Scale(zero=True))
    colour = build.target_colour(found)
    drawn = alt.Chart(build.rows(points)).mark_point(
        filled=True, size=45, opacity=1, stroke=PAPER, strokeWidth=0.5
    )
    layers: list[alt.Chart] = [
        alt.Chart(build.rows(lines)).mark_line(strokeWidth=1.3).encode(x=at("latency"), y=y, color=colour),
        drawn.encode(
            x=at("place"),
            y=y,
            color=colour,
            shape=build.target_shape(found),
            tooltip=[
                alt.Tooltip("target:N"),
                alt.Tooltip("latency:Q", title="injected (ms)"),
                alt.Tooltip("p50:Q", title="p50 (ms)", format=".3~r"),
                alt.Tooltip("requests:Q"),
                alt.Tooltip("repetition:Q"),
            ],
        ),
    ]
    return build.finish(
        build.layer(layers, height=230, width="container"),
        f"{operation}: median latency over injected latency per target, with the fitted line; the slope is the "
        "number of sequential round trips to the database.",
    )
