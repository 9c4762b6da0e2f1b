"""The HTML templates, compiled once in a process. jinja2 is imported here, so import this late."""

from __future__ import annotations

from functools import cache

import jinja2

from reports.formats import (
    _html_about,
    _html_answers,
    _html_compared,
    _html_costs,
    _html_overview,
    _html_scenario,
    _numbers,
)
from reports.wording import seconds


@cache
def templates() -> jinja2.Environment:
    """All templates, with what they may call."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("reports.formats", "templates"),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        compared=_html_compared,
        overview=_html_overview,
        answers=_html_answers,
        detail=_html_scenario,
        costs=_html_costs,
        about=_html_about,
    )
    environment.filters.update(
        figure=_numbers.figure,
        percent=_numbers.percent,
        points=_numbers.points,
        spread=_numbers.spread,
        setting=_numbers.setting,
        plural=_numbers.plural,
        seconds=seconds,
        between=_numbers.between,
        tiny=_numbers.tiny,
    )
    return environment
