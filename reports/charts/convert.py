"""Specification -> SVG or PNG, offline."""

from __future__ import annotations

import copy

from reports.charts.theme import Scheme, Spec, themed

AXIS_WIDTH = 60
"""What the axes of a concatenated chart take left of its panels, in pixels; the page's script uses it too."""


def with_width(spec: Spec, width: int) -> Spec:
    """A copy of the specification whose panels fill `width` pixels, in place of a container's width."""
    fitted = copy.deepcopy(spec)
    if "vconcat" in fitted:
        for panel in fitted["vconcat"]:
            panel["width"] = width - AXIS_WIDTH
    else:
        fitted["width"] = width
    return fitted


def svg(spec: Spec, *, width: int = 640, scheme: Scheme = "light") -> str:
    """The chart as an SVG document, about `width` pixels wide."""
    import vl_convert

    return str(vl_convert.vegalite_to_svg(themed(with_width(spec, width), scheme)))


def png(spec: Spec, *, width: int = 640, scheme: Scheme = "light", scale: float = 2.0) -> bytes:
    """The chart as a PNG image on the scheme's paper, `width * scale` pixels wide or a little more."""
    import vl_convert

    drawn = themed(with_width(spec, width), scheme)
    drawn["background"] = themed({"paper": "@paper"}, scheme)["paper"]
    return bytes(vl_convert.vegalite_to_png(drawn, scale=scale))
