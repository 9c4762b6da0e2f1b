"""Colours and type of every chart: fixed per target, legible on light and dark paper, safe for colour-blind eyes.

Target colours lie between 0.13 and 0.30 in relative luminance, hence at 3:1 or more against both papers; the
rest of a chart is drawn in tokens (`@ink`, `@muted`, ...) that `themed` replaces for one scheme.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from typing import Any, Literal

Spec = dict[str, Any]
"""A Vega-Lite specification: JSON of a foreign schema, validated by Altair where it is made."""
Scheme = Literal["light", "dark"]

INK = "@ink"
MUTED = "@muted"
SHADE = "@shade"
EDGE = "@edge"
PAPER = "@paper"

_TOKENS: dict[Scheme, dict[str, str]] = {
    "light": {INK: "#1b1f24", MUTED: "#6a737d", SHADE: "#f0d9b5", EDGE: "#d9dde2", PAPER: "#ffffff"},
    "dark": {INK: "#e8eaed", MUTED: "#9aa4af", SHADE: "#5c4a2a", EDGE: "#3a4149", PAPER: "#15181c"},
}

PALETTE = ("#2878b5", "#d55e00", "#009e73", "#b8609a", "#a07a00", "#5f7f95", "#8a6fd1", "#b0565b")
SHAPES = (
    "circle",
    "square",
    "triangle-up",
    "diamond",
    "cross",
    "triangle-down",
    "triangle-right",
    "triangle-left",
)
_RESERVED = ("sync-pool", "async-pool", "no-pool", "async-no-pool", "recommended")
_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"


def _place(names: Iterable[str]) -> dict[str, int]:
    """A place in the palette for each name: the stock targets always have the same, others fill up behind."""
    places = {name: _RESERVED.index(name) for name in names if name in _RESERVED}
    free = [place for place in range(len(PALETTE)) if place not in places.values()]
    for number, name in enumerate(name for name in names if name not in places):
        places[name] = free[number % len(free)] if free else number % len(PALETTE)
    return places


def target_colours(names: Iterable[str]) -> dict[str, str]:
    """Target -> colour (`#rrggbb`), the same in every chart and table, and from run to run for stock targets."""
    names = tuple(names)
    places = _place(names)
    return {name: PALETTE[places[name]] for name in names}


def target_shapes(names: Iterable[str]) -> dict[str, str]:
    """Target -> Vega point shape, so that colour is never the only difference."""
    names = tuple(names)
    places = _place(names)
    return {name: SHAPES[places[name]] for name in names}


def _config(tokens: dict[str, str]) -> Spec:
    text = {"labelColor": tokens[MUTED], "titleColor": tokens[MUTED], "labelFont": _FONT, "titleFont": _FONT}
    return {
        "background": "transparent",
        "font": _FONT,
        "view": {"stroke": None},
        "axis": {
            **text,
            "labelFontSize": 11,
            "titleFontSize": 11,
            "titleFontWeight": "normal",
            "gridColor": tokens[EDGE],
            "gridOpacity": 0.7,
            "domainColor": tokens[EDGE],
            "tickColor": tokens[EDGE],
        },
        "legend": {
            **text,
            "labelFontSize": 11,
            "titleFontSize": 11,
            "titleFontWeight": "normal",
            "symbolSize": 60,
        },
        "title": {
            "color": tokens[INK],
            "subtitleColor": tokens[MUTED],
            "font": _FONT,
            "subtitleFont": _FONT,
            "fontSize": 13,
            "subtitleFontSize": 11,
            "fontWeight": 600,
            "anchor": "start",
            "offset": 8,
        },
        "text": {"color": tokens[MUTED], "font": _FONT, "fontSize": 11},
    }


@cache
def themes() -> dict[Scheme, Spec]:
    """Scheme -> {`tokens`: token -> colour, `config`: Vega-Lite config}, as the page's script takes them."""
    return {scheme: {"tokens": tokens, "config": _config(tokens)} for scheme, tokens in _TOKENS.items()}


def themed(spec: Spec, scheme: Scheme = "light") -> Spec:
    """A copy of the specification that can be drawn as it stands: tokens replaced, the scheme's config added."""
    theme = themes()[scheme]
    text = json.dumps(spec)
    for token, colour in theme["tokens"].items():
        text = text.replace(f'"{token}"', f'"{colour}"')
    drawn: Spec = json.loads(text)
    drawn["config"] = {**theme["config"], **drawn.get("config", {})}
    return drawn
