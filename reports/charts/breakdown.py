"""Where the mean response time of one phase went: a stacked bar for each target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from reports.charts import values
from reports.charts.templates import template
from reports.charts.theme import Spec
from reports.summary import Breakdown

BreakdownRow = tuple[str, Breakdown]
"""Target and its breakdown."""

PARTS = ("sent late", "waiting", "connecting", "pre-ping", "statements", "rest")
"""In the order in which they follow each other in a request, and in each bar."""
RETURN = "return, after the answer"
"""Comes last, and is no part of the response time."""
END = "@end"
BAR_PX = 20
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
    spec = values.filled(template("breakdown"), {values.TARGETS: targets, END: end})
    parts = [
        {"target": target, "part": part, "i": number, "ms": values.short(max(0.0, ms))}
        for target, breakdown in rows
        for number, (part, ms) in enumerate(zip(PARTS, _parts(breakdown), strict=True))
    ]
    parts += [
        {"target": target, "part": RETURN, "i": len(PARTS), "ms": values.short(returned_ms[target])}
        for target in targets
        if target in returned_ms
    ]
    means = [
        {"target": target, "mean": values.short(breakdown.mean_ms), "end": values.short(ends_ms[target])}
        for target, breakdown in rows
    ]
    return {
        **spec,
        "height": BAR_PX * max(1, len(rows)),
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
