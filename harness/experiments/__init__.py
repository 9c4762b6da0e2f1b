"""What is run to rule on the tutorial's statements: one system a file, each with an `EXPERIMENT` of its own.

Adding a file adds the experiment; which statements it serves stands in `reports.claims.statements`.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Mapping
from functools import cache
from types import MappingProxyType

from harness.experiments.base import Experiment, plan_of

__all__ = ["Experiment", "chosen_experiments", "experiments", "plan_of"]


def chosen_experiments(names: Iterable[str], *, quick: bool = False) -> tuple[Experiment, ...]:
    """Those of the names that there are, in their order; with `quick` only those that are quick enough."""
    known = experiments()
    found = (known[name] for name in names if name in known)
    return tuple(experiment for experiment in found if experiment.in_quick or not quick)


@cache
def experiments() -> Mapping[str, Experiment]:
    """Every experiment by its name, in alphabetical order of its file."""
    found: dict[str, Experiment] = {}
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda module: module.name):
        declared = getattr(importlib.import_module(f"{__name__}.{module.name}"), "EXPERIMENT", None)
        if isinstance(declared, Experiment):
            found[declared.name] = declared
    return MappingProxyType(found)
