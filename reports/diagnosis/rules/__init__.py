"""One rule a file, each with a `RULE` of its own: adding a file adds the rule."""

from __future__ import annotations

import importlib
import pkgutil

from reports.diagnosis.rule import Rule


def _all() -> tuple[Rule, ...]:
    found = []
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda module: module.name):
        declared = getattr(importlib.import_module(f"{__name__}.{module.name}"), "RULE", None)
        if isinstance(declared, Rule):
            found.append(declared)
    return tuple(found)


RULES: tuple[Rule, ...] = _all()
"""Every rule, in alphabetical order of its file."""
