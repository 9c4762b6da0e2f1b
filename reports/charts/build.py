"""What the chart modules share: data, scales and the last step from Altair to a plain specification.

Encodings are given as channels, `alt.X2("to:Q")`: Altair takes 10 ms to find the one that a mere text stands for.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal, cast

import altair as alt

from reports.charts.theme import Spec, target_colours, target_shapes
from reports.charts.values import Row, shortened

TOP, LEFT = alt.YValue(0), alt.XValue(0)  # type: ignore[no-untyped-call]


def rows(values: Iterable[Row]) -> alt.InlineData:
    """Inline data, its floats cut short."""
    return alt.InlineData(values=cast(Any, list(map(shortened, values))))


def finish(spec: Spec, description: str) -> Spec:
    """The whole specification, with what a screen reader says.

    Not validated here, which would double the time a report takes; the tests validate each kind of chart.
    """
    fitted = {"autosize": {"type": "fit-x", "contains": "padding"}} if spec.get("width") == "container" else {}
    return {"$schema": alt.SCHEMA_URL, **spec, "description": description, **fitted}


def layer(layers: Iterable[alt.Chart], *, height: int, width: int | Literal["container"]) -> Spec:
    """The layers on top of each other, as a plain specification; data that several share stand in it once.

    Altair's own `layer` copies every chart several times over, which took longer than all the rest of them.
    """
    datasets: dict[str, object] = {}
    context = {"top_level": False, "datasets": datasets}
    plain = [chart.to_dict(validate=False, context=context) for chart in layers]
    return {"layer": plain, "height": height, "width": width, **({"datasets": datasets} if datasets else {})}


def log_ms(domain: Sequence[float] | Sequence[str]) -> alt.Scale:
    """A logarithmic scale of milliseconds over `domain`, which may be a template's token."""
    return alt.Scale(type="log", domain=list(domain), nice=False)


def in_rows(chart: alt.Chart, phases: Sequence[str], targets: Sequence[str]) -> alt.Chart:
    """The chart with a row for each phase, and in it one for each target."""
    axis = alt.Axis(domain=False, ticks=False, labelLimit=90)
    scale = alt.Scale(domain=list(targets), paddingInner=0.2)
    return chart.encode(
        y=alt.Y("phase:N", sort=list(phases), title=None, axis=axis),
        yOffset=alt.YOffset("target:N", sort=list(targets), scale=scale),
    )


def target_colour(names: Iterable[str], colours: Iterable[str] | None = None) -> alt.Color:
    """Colour by field `target`, the same for a target everywhere, or as a template's token stands for it."""
    names = tuple(names)
    looks = target_colours(names).values() if colours is None else colours
    return alt.Color("target:N", scale=alt.Scale(domain=list(names), range=list(looks)), legend=top_legend())


def target_shape(names: Iterable[str], shapes: Iterable[str] | None = None) -> alt.Shape:
    """Shape by field `target`, likewise; with `target_colour` Vega-Lite folds both into one legend."""
    names = tuple(names)
    looks = target_shapes(names).values() if shapes is None else shapes
    return alt.Shape("target:N", scale=alt.Scale(domain=list(names), range=list(looks)), legend=top_legend())


def top_legend(offset: int = 6, symbol: float = 60) -> alt.Legend:
    """A legend in a row over the panel. The page's script sets its columns for a narrow screen."""
    return alt.Legend(
        orient="top", title=None, direction="horizontal", offset=offset, symbolOpacity=1, symbolSize=symbol
    )
