"""How the parts of a mean response time are drawn: stacked bars, and the mean at the end of each."""

from __future__ import annotations

import altair as alt

from reports.charts import build
from reports.charts.breakdown import BAR_PX, END, PARTS, RETURN
from reports.charts.theme import INK, MUTED, Spec
from reports.charts.values import TARGETS

# Light tones, told apart by colour-blind readers, and not to be taken for the targets' strong ones.
_COLOURS = ("#b8bec6", "#ee8866", "#ffaabb", "#eedd88", "#77aadd", "#44bb99", "#ffffff")


def template() -> Spec:
    """Without data, targets and axis, which is the same for all phases."""
    y = alt.Y("target:N", sort=[TARGETS], title=None, axis=alt.Axis(domain=False, ticks=False, labelLimit=110))
    axis = alt.Axis(title="mean response time of successes (ms)", tickCount=5, format="~r")
    x_scale = alt.Scale(domain=[0, END], nice=False, zero=True)
    bars = (
        build.named("parts")
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
        build.named("means")
        .mark_text(align="left", dx=4, color=MUTED, fontSize=11)
        .encode(x=alt.X("end:Q", scale=x_scale), y=y, text=alt.Text("mean:Q", format=".3r"))
    )
    return build.finish(build.layer([bars, means], height=BAR_PX, width="container"))
