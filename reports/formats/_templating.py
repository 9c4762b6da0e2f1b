"""The HTML templates, compiled once. jinja2 is imported here, so import this late."""

from __future__ import annotations

import contextlib
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from jinja2.bccache import Bucket

from harness.cached import cache_folder, fingerprint
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

_OPTIONS: dict[str, Any] = {
    "autoescape": True,
    "trim_blocks": True,
    "lstrip_blocks": True,
    # Jinja would work out constant expressions with our filters as it compiles; what is kept then grows stale.
    "optimized": False,
}


class _Kept(jinja2.FileSystemBytecodeCache):
    """Compiled templates in the cache folder. Without one they are compiled each time."""

    def __init__(self) -> None:
        self._folder = compiled_folder()
        super().__init__(str(self._folder))

    def load_bytecode(self, bucket: Bucket) -> None:
        with contextlib.suppress(OSError):
            super().load_bytecode(bucket)

    def dump_bytecode(self, bucket: Bucket) -> None:
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            super().dump_bytecode(bucket)


def compiled_folder() -> Path:
    """Where compiled templates are kept, a folder for each version of Jinja and each set of options.

    A template whose text has changed is compiled anew.
    """
    return cache_folder() / f"templates-{fingerprint(jinja2.__version__, repr(sorted(_OPTIONS.items())))}"


@cache
def templates() -> jinja2.Environment:
    """All templates, with what they may call."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("reports.formats", "templates"),
        undefined=jinja2.StrictUndefined,
        bytecode_cache=_Kept(),
        **_OPTIONS,
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
