"""What the chart modules share: data, scales and the last step from Altair to a plain specification.

Encodings are given as channels, `alt.X2("to:Q")`: Altair takes 10 ms to find the one that a mere text stands for.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, cast

import altair as alt

from reports.charts.theme import Spec, target_colours, target_shapes

Row = Mapping[str, Any]

_COARSE_TICKS_MS = [m * 10.0**e for e in range(-2, 6) for m in (1, 3)]
_FINE_TICKS_MS = [m * 10.0**e for e in range(-2, 6) for m in (1, 2, 3, 5, 7)]
TOP, LEFT = alt.YValue(0), alt.XValue(0)  # type: ignore[no-untyped-call]
COUNT_TICKS = [0, 1, 3, 10, 30, 100, 300, 1000, 3000, 10000]


def rows(values: Iterable[Row]) -> alt.InlineData:
    """Inline data; None and whole numbers are kept as they are, others cut to four significant digits."""
    return alt.InlineData(values=cast(Any, [{key: short(value) for key, value in row.items()} for row in values]))


def short(value: object) -> object:
    """A float in four significant digits: what a pixel can show, in half the bytes."""
    return float(f"{value:.4g}") if isinstance(value, float) else value


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


def log_domain(values: Iterable[float | None]) -> tuple[float, float]:
    """A domain in milliseconds for a logarithmic axis that holds all values with a little air."""
    known = [value for value in values if value is not None and value > 0]
    if not known:
        return 1.0, 1000.0
    low, high = min(known) / 1.3, max(known) * 1.3
    return (low, high) if high / low >= 10 else (low / 2, high * 2)


def log_ms(domain: tuple[float, float]) -> alt.Scale:
    """A logarithmic scale of milliseconds over `domain`."""
    return alt.Scale(type="log", domain=list(domain), nice=False)


def log_ticks(domain: tuple[float, float]) -> list[float]:
    """Round ticks for a logarithmic axis of milliseconds: two a decade, or five where it is short."""
    ticks = _FINE_TICKS_MS if domain[1] / domain[0] < 50 else _COARSE_TICKS_MS
    return [tick for tick in ticks if domain[0] <= tick <= domain[1]]


def target_colour(names: Iterable[str]) -> alt.Color:
    """Colour by field `target`, the same for a target everywhere."""
    names = tuple(names)
    scale = alt.Scale(domain=list(names), range=list(target_colours(names).values()))
    return alt.Color("target:N", scale=scale, legend=top_legend())


def target_shape(names: Iterable[str]) -> alt.Shape:
    """Shape by field `target`; with `target_colour` Vega-Lite folds both into one legend."""
    names = tuple(names)
    scale = alt.Scale(domain=list(names), range=list(target_shapes(names).values()))
    return alt.Shape("target:N", scale=scale, legend=top_legend())


def top_legend(offset: int = 6, symbol: float = 60) -> alt.Legend:
    """A legend in a row over the panel. The page's script sets its columns for a narrow screen."""
    return alt.Legend(
        orient="top", title=None, direction="horizontal", offset=offset, symbolOpacity=1, symbolSize=symbol
    )


def filled(spec: Spec, values: Mapping[str, str | float | Sequence[float] | Sequence[str]]) -> Spec:
    """A copy of a template with its tokens replaced: `"@x"` by a scalar, `["@x"]` by a list."""
    text = json.dumps(spec)
    for token, value in values.items():
        whole = f'"{token}"' if isinstance(value, str | float) else f'["{token}"]'
        text = text.replace(whole, json.dumps(value))
    copy: Spec = json.loads(text)
    return copy
