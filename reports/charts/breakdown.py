"""Where the mean response time of one phase went: a stacked bar for each target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from types import MappingProxyType

import altair as alt

from reports.charts import build
from reports.charts.theme import INK, MUTED, Spec
from reports.summary import Breakdown

BreakdownRow = tuple[str, Breakdown]
"""Target and its breakdown."""

PARTS = ("sent late", "waiting", "connecting", "pre-ping", "statements", "rest")
"""In the order in which they follow each other in a request, and in each bar."""
RETURN = "return, after the answer"
"""Comes last, and is no part of the response time."""
# Light tones, told apart by colour-blind readers, and not to be taken for the targets' strong ones.
_COLOURS = ("#b8bec6", "#ee8866", "#ffaabb", "#eedd88", "#77aadd", "#44bb99", "#ffffff")
_TARGETS, _END = "@targets", "@end"
_BAR_PX = 20
# For the page's script, which sets the legend's columns: how wide one is, and what the axis takes before it.
_LEGEND_COLUMN_PX = 70
_LEGEND_LEFT_PX = 100


def breakdown_chart(
    phase: str, rows: Sequence[BreakdownRow], returned_ms: Mapping[str, float] = MappingProxyType({})
) -> Spec:
    """One bar a target, one colour a part, on an axis of milliseconds from 0. Width is the container's.

    `returned_ms` is how long each target's median return of a connection took, where it is known. Parts below 0,
    which the rest can be by a little, are drawn as 0; the figure at the end is the true mean, without the return.
    """
    targets = [target for target, _ in rows]
    ends_ms = {target: breakdown.mean_ms + returned_ms.get(target, 0.0) for target, breakdown in rows}
    end = max(ends_ms.values(), default=1.0) * 1.12 or 1.0
    spec = build.filled(_template(), {_TARGETS: targets, _END: end})
    parts = [
        {"target": target, "part": part, "i": number, "ms": build.short(max(0.0, ms))}
        for target, breakdown in rows
        for number, (part, ms) in enumerate(zip(PARTS, _parts(breakdown), strict=True))
    ]
    parts += [
        {"target": target, "part": RETURN, "i": len(PARTS), "ms": build.short(returned_ms[target])}
        for target in targets
        if target in returned_ms
    ]
    means = [
        {"target": target, "mean": build.short(breakdown.mean_ms), "end": build.short(ends_ms[target])}
        for target, breakdown in rows
    ]
    return {
        **spec,
        "height": _BAR_PX * max(1, len(rows)),
        "datasets": {"parts": parts, "means": means},
        "title": phase,
        "usermeta": {"legendColumn": _LEGEND_COLUMN_PX, "legendLeft": _LEGEND_LEFT_PX},
        "description": (
            f"Phase {phase}: mean response time of successes per target, parted into the lateness of the send, "
            "the wait for a connection, connecting, pre-ping, statements and the rest; after it the median return "
            "of a connection."
        ),
    }


def _parts(breakdown: Breakdown) -> tuple[float, ...]:
    return (
        breakdown.lag_ms,
        breakdown.queue_ms,
        breakdown.connect_ms,
        breakdown.ping_ms,
        breakdown.query_ms,
        breakdown.rest_ms,
    )


@cache
def _template() -> Spec:
    """Without data, targets and axis; Altair takes its time, and all phases have the same."""
    y = alt.Y("target:N", sort=[_TARGETS], title=None, axis=alt.Axis(domain=False, ticks=False, labelLimit=110))
    axis = alt.Axis(title="mean response time of successes (ms)", tickCount=5, format="~r")
    x_scale = alt.Scale(domain=[0, _END], nice=False, zero=True)
    bars = (
        alt.Chart(alt.NamedData(name="parts"))
        .mark_bar(stroke=INK, strokeWidth=0.4)
        .encode(
            x=alt.X("ms:Q", stack="zero", scale=x_scale, axis=axis),
            y=y,
            order=alt.Order("i:Q"),
            color=alt.Color(
                "part:N",
                sort=[*PARTS, RETURN],
                scale=alt.Scale(domain=[*PARTS, RETURN], range=list(_COLOURS)),
                legend=build.top_legend(),
            ),
            tooltip=[
                alt.Tooltip("target:N"),
                alt.Tooltip("part:N"),
                alt.Tooltip("ms:Q", title="ms", format=".3~r"),
            ],
        )
    )
    means = (
        alt.Chart(alt.NamedData(name="means"))
        .mark_text(align="left", dx=4, color=MUTED, fontSize=11)
        .encode(x=alt.X("end:Q", scale=x_scale), y=y, text=alt.Text("mean:Q", format=".3r"))
    )
    return build.finish(build.layer([bars, means], height=_BAR_PX, width="container"), "")
