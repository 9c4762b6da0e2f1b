"""Latency of the targets side by side: p50 to p90, to p99 where known, and the worst, per phase."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import altair as alt

from reports.charts import build
from reports.charts.theme import INK, MUTED, Spec
from reports.summary import Latency, Spread

DotRow = tuple[str, str, Latency, Spread | None]
"""Phase, target, latency of its successes, interval of their p50 over the repetitions."""


def dots_chart(rows: Sequence[DotRow], targets: Sequence[str]) -> Spec:
    """One row per phase and target, on one logarithmic axis of milliseconds. Width is the container's."""
    phases = list(dict.fromkeys(phase for phase, *_ in rows))
    values = [_row(*row) for row in rows if row[2].p50_ms is not None]
    domain = build.log_domain(row[key] for row in values for key in ("p50", "max", "low", "high"))  # type: ignore[misc]
    axis = alt.Axis(values=build.log_ticks(domain), title="latency of successes (ms, log)", format="~r")

    def x(field: str) -> alt.X:
        return alt.X(f"{field}:Q", scale=build.log_ms(domain), axis=axis)

    y = alt.Y("phase:N", sort=phases, title=None, axis=alt.Axis(domain=False, ticks=False, labelLimit=90))
    offset = alt.YOffset("target:N", sort=list(targets), scale=alt.Scale(domain=list(targets), paddingInner=0.2))
    base = alt.Chart(build.rows(values)).encode(y=y, yOffset=offset)
    colour = build.target_colour(targets)
    percentiles = map(_tooltip, ("p50", "p90", "p99", "max"))
    tooltip = [alt.Tooltip("phase:N"), alt.Tooltip("target:N"), *percentiles, alt.Tooltip("requests:Q")]
    layers: list[alt.Chart] = [
        base.mark_rule(color=MUTED, strokeWidth=1, strokeDash=[2, 3]).encode(x=x("p90"), x2=alt.X2("max:Q")),
        base.mark_rule(strokeWidth=1.5).encode(x=x("p50"), x2=alt.X2("p99:Q"), color=colour),
        base.mark_rule(strokeWidth=4, opacity=0.55).encode(x=x("p50"), x2=alt.X2("p90:Q"), color=colour),
        base.mark_tick(color=MUTED, thickness=1.5, size=8).encode(x=x("max")),
        base.mark_tick(thickness=2, size=10).encode(x=x("p99"), color=colour),
        base.mark_point(filled=True, size=60, opacity=1, stroke=INK, strokeWidth=0.4).encode(
            x=x("p50"),
            color=colour,
            shape=build.target_shape(targets),
            tooltip=tooltip,
        ),
    ]
    if any(row["low"] is not None for row in values):
        layers += _intervals(base, x)
    height = len(phases) * (len(targets) * max(9, 15 - len(targets)) + 10)
    return build.finish(
        build.layer(layers, height=height, width="container"),
        (
            "Latency of successful requests per phase and target: the point is p50, the thick bar reaches p90, "
            "the coloured tick is p99 where there were enough requests, the grey tick is the slowest; the thin "
            "dark bar over the point is the interval of p50 over the repetitions."
        ),
    )


def _intervals(base: alt.Chart, x: Callable[[str], alt.X]) -> list[alt.Chart]:
    """Error bars, in ink so that they are seen on the target's own colour."""
    known = base.transform_filter("isValid(datum.low)")
    return [
        known.mark_rule(color=INK, strokeWidth=1.4).encode(x=x("low"), x2=alt.X2("high:Q")),
        known.mark_tick(color=INK, thickness=1.4, size=8).encode(x=x("low")),
        known.mark_tick(color=INK, thickness=1.4, size=8).encode(x=x("high")),
    ]


def _row(phase: str, target: str, latency: Latency, interval: Spread | None) -> dict[str, object]:
    p50 = latency.p50_ms
    return {
        "phase": phase,
        "target": target,
        "p50": p50,
        "p90": p50 if latency.p90_ms is None else latency.p90_ms,
        "p99": latency.p99_ms,
        "max": p50 if latency.max_ms is None else latency.max_ms,
        "requests": latency.count,
        "low": interval.low if interval else None,
        "high": interval.high if interval else None,
    }


def _tooltip(name: str) -> alt.Tooltip:
    return alt.Tooltip(f"{name}:Q", title=f"{name} (ms)", format=".3~r")
