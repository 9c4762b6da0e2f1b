"""Specifications that lack only their data, as they lie beside the modules that make them with Altair.

To load Altair takes longer than all else that a page needs to be drawn. What the specifications look like stands
in `reports.charts.drawn`, a module for each; `pytest --update-golden` writes them anew.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Literal

from reports.charts.theme import Spec

Name = Literal["breakdown", "compared", "dots", "exhaustion", "round_trips", "timeline"]


@cache
def template(name: Name) -> Spec:
    """The named template; not to be changed, as all charts of its sort are filled in copies of it."""
    spec: Spec = json.loads(files("reports.charts.drawn").joinpath(f"{name}.json").read_text(encoding="utf-8"))
    return spec
