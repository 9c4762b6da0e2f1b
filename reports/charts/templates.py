"""Specifications that lack only their data, made with Altair once and then kept in the user's cache folder.

What they look like stands in `reports.charts.drawn`, a module for each. To load Altair and to make them takes
longer than all else that a page needs to be drawn.
"""

from __future__ import annotations

import json
from functools import cache
from importlib import import_module, metadata
from importlib.resources import files
from pathlib import Path
from typing import Literal

from harness.cached import cache_folder, fingerprint, made_once
from reports.charts.theme import Spec

Name = Literal["breakdown", "dots", "timeline"]


@cache
def template(name: Name) -> Spec:
    """The named template; not to be changed, as all charts of its sort are filled in copies of it.

    A cache that cannot be read or written only costs the time to make it.
    """

    def make() -> str:
        return json.dumps(import_module(f"reports.charts.drawn.{name}").template())

    spec: Spec = json.loads(made_once(kept_template(name), make))
    return spec


def kept_template(name: Name) -> Path:
    """Where it is kept: one file for each version of Altair and each state of the modules that make it."""
    return cache_folder() / f"chart-{name}-{_made_by()}.json"


@cache
def _made_by() -> str:
    """Of the version of Altair and the text of every module that a template can come from."""
    charts = files("reports.charts")
    modules = [*charts.iterdir(), *charts.joinpath("drawn").iterdir()]
    texts = [module.read_text(encoding="utf-8") for module in modules if module.name.endswith(".py")]
    return fingerprint(metadata.version("altair"), *sorted(texts))
