"""The ladder: what is offered against latency, throughput, refusals and connections checked out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import altair as alt

from reports.charts import build, values
from reports.charts.theme import MUTED, Spec
from reports.summary import Exhaustion


@dataclass(frozen=True, slots=True)
class _Panel:
    key: str
    field: str
    title: str
    says: str
    logarithmic: bool = False


_PANELS = (
    _Panel("latency", "p50", "latency of successes, p50 (ms, log)", "median latency of successes", True),
    _Panel("throughput", "rate", "successes (1/s)", "successful requests per second"),
    _Panel("refusals", "lost", "refused and failed (%)", "share of requests refused or failed"),
    _Panel("checked-out", "out", "most checked out (connections)", "largest number of connections checked out"),
)


_ASIDE = 0.011
"""How far apart the targets of one step are drawn, as a share of the axis."""


def exhaustion_charts(ladders: Mapping[str, Exhaustion], threads: int | None = None) -> dict[str, Spec]:
    """Target -> ladder; gives panel (`latency`, `throughput`, `refusals`, `checked-out`) -> specification.

    Targets are drawn a little side by side, since equal pools give equal figures. The step at which a target's
    exhaustion began is drawn larger, with a thin rule under it. `threads` is the size of the thread pool in which
    synchronous targets answer, where one is known: with more users than that some wait for a thread. It is drawn
    on a ladder of users only.
    """
    widest = max((step.offered for ladder in ladders.values() for step in ladder.steps), default=1)
    drawn_rows = [
        row
        for number, (target, ladder) in enumerate(ladders.items())
        for row in _rows(target, ladder, aside=(number - (len(ladders) - 1) / 2) * _ASIDE * widest)
    ]
    return {panel.key: _panel(panel, drawn_rows, ladders, threads) for panel in _PANELS}


def _rows(target: str, ladder: Exhaustion, aside: float) -> list[dict[str, object]]:
    return [
        {
            "target": target,
            "offered": step.offered,
            "place": step.offered + aside,
            "p50": step.success.p50_ms,
            "rate": step.completed_per_s,
            "lost": 100 * lost / total if (total := step.success.count + lost) else None,
            "out": step.checked_out_max,
            "onset": step.phase == ladder.onset_phase,
        }
        for step in ladder.steps
        for lost in (step.refused + step.failed,)
    ]


def _panel(
    panel: _Panel, drawn_rows: Sequence[values.Row], ladders: Mapping[str, Exhaustion], threads: int | None
) -> Spec:
    known = [row for row in drawn_rows if row[panel.field] is not None]
    scale, ticks = alt.Scale(nice=True, zero=True), None
    if panel.logarithmic:
        domain = values.log_domain(row[panel.field] for row in known)
        scale, ticks = build.log_ms(domain), values.log_ticks(domain)
    axis = alt.Axis(title=panel.title, minExtent=40, tickCount=5, format="~r", values=ticks or alt.Undefined)
    steps = sorted({row["offered"] for row in drawn_rows})
    closed = all(ladder.offered_in == "users" for ladder in ladders.values())
    offered = "users at once" if closed else "requests offered (1/s)"
    x = alt.X(
        "place:Q",
        scale=alt.Scale(domain=[0, max(steps, default=1) * 1.05], nice=False),
        axis=alt.Axis(title=offered, values=steps, grid=False, labelOverlap=True),
    )
    base = alt.Chart(build.rows(known)).encode(x=x)
    y = alt.Y(f"{panel.field}:Q", scale=scale, axis=axis)
    lines = base.mark_line(strokeWidth=1.5).encode(y=y, color=build.target_colour(ladders))
    points = base.mark_point(filled=True, opacity=1).encode(
        y=y,
        color=build.target_colour(ladders),
        shape=build.target_shape(ladders),
        size=alt.condition("datum.onset", alt.value(120), alt.value(40)),
        tooltip=[
            alt.Tooltip("target:N"),
            alt.Tooltip("offered:Q", title=offered),
            alt.Tooltip(f"{panel.field}:Q", title=panel.title, format=".3~r"),
        ],
    )
    onset = base.transform_filter("datum.onset").mark_rule(strokeDash=[3, 3], opacity=0.6)
    layers: list[alt.Chart] = [onset.encode(color=build.target_colour(ladders)), lines, points]
    if panel.key == "checked-out":
        layers = [*_limits(ladders), *layers]
    if closed and threads is not None and threads < max(steps, default=0):
        layers = [*_threads(threads, x), *layers]
    chart = build.layer(layers, height=190, width="container")
    return build.finish(chart, f"{panel.says.capitalize()} over {offered}, per target.")


def _limits(ladders: Mapping[str, Exhaustion]) -> list[alt.Chart]:
    limits = sorted({ladder.limit for ladder in ladders.values() if ladder.limit is not None})
    data = build.rows({"limit": limit, "label": f"limit {limit}"} for limit in limits)
    rule = alt.Chart(data).mark_rule(color=MUTED, strokeDash=[5, 4]).encode(y=alt.Y("limit:Q"))
    text = alt.Chart(data).mark_text(align="left", baseline="bottom", dx=3, dy=-2, color=MUTED, fontSize=10)
    return [rule, text.encode(x=build.LEFT, y=alt.Y("limit:Q"), text=alt.Text("label:N"))]


def _threads(threads: int, x: alt.X) -> list[alt.Chart]:
    chart = alt.Chart(build.rows([{"place": threads, "label": f"{threads} threads"}])).encode(x=x)
    return [
        chart.mark_rule(color=MUTED, strokeDash=[1, 3], strokeWidth=1.2),
        chart.mark_text(align="left", baseline="top", dx=3, dy=1, color=MUTED, fontSize=10).encode(
            y=build.TOP, text=alt.Text("label:N")
        ),
    ]
