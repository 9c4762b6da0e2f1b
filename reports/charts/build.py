"""What the modules of `reports.charts.drawn` share: scales, looks and the last step to a plain specification.

Encodings are given as channels, `alt.X2("to:Q")`, and data by name. Colours, domains and the like are tokens.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import altair as alt

from reports.charts.theme import Spec
from reports.charts.values import COLOURS, DOMAIN, PHASES, SHAPES, TARGETS

TOP, LEFT = alt.YValue(0), alt.XValue(0)  # type: ignore[no-untyped-call]


def named(name: str) -> alt.Chart:
    """A chart of the data that are given under this name."""
    return alt.Chart(alt.NamedData(name=name))


def finish(spec: Spec, description: str = "") -> Spec:
    """The whole specification, with what a screen reader says; the tests validate each kind of chart."""
    fitted = {"autosize": {"type": "fit-x", "contains": "padding"}} if spec.get("width") == "container" else {}
    return {"$schema": alt.SCHEMA_URL, **spec, "description": description, **fitted}


def layer(layers: Iterable[alt.Chart], *, height: int, width: int | Literal["container"]) -> Spec:
    """The layers on top of each other, as a plain specification."""
    context = {"top_level": False, "datasets": {}}
    plain = [chart.to_dict(validate=False, context=context) for chart in layers]
    return {"layer": plain, "height": height, "width": width}


def log_ms() -> alt.Scale:
    """A logarithmic scale of milliseconds."""
    return alt.Scale(type="log", domain=[DOMAIN], nice=False)


def in_rows(chart: alt.Chart) -> alt.Chart:
    """The chart with a row for each phase, and in it one for each target."""
    axis = alt.Axis(domain=False, ticks=False, labelLimit=90)
    scale = alt.Scale(domain=[TARGETS], paddingInner=0.2)
    return chart.encode(
        y=alt.Y("phase:N", sort=[PHASES], title=None, axis=axis),
        yOffset=alt.YOffset("target:N", sort=[TARGETS], scale=scale),
    )


def target_colour() -> alt.Color:
    """Colour by field `target`, the same for a target everywhere."""
    return alt.Color("target:N", scale=alt.Scale(domain=[TARGETS], range=[COLOURS]), legend=top_legend())


def target_shape() -> alt.Shape:
    """Shape by field `target`, likewise; with `target_colour` Vega-Lite folds both into one legend."""
    return alt.Shape("target:N", scale=alt.Scale(domain=[TARGETS], range=[SHAPES]), legend=top_legend())


def top_legend(offset: int = 6, symbol: float = 60) -> alt.Legend:
    """A legend in a row over the panel. The page's script sets its columns for a narrow screen."""
    return alt.Legend(
        orient="top", title=None, direction="horizontal", offset=offset, symbolOpacity=1, symbolSize=symbol
    )
