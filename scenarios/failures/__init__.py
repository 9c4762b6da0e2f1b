"""What brings each failure of the catalogue out: one a file, named as its apps under `targets.failures` are.

Each file declares a `FAILURE`; one whose users do more than read paths is a plain locustfile as well.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from scenarios.failures.model import Failure

__all__ = ["Failure", "failures"]


@cache
def failures() -> Mapping[str, Failure]:
    """Every failure by its id, in alphabetical order."""
    found: dict[str, Failure] = {}
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda module: module.name):
        declared = getattr(importlib.import_module(f"{__name__}.{module.name}"), "FAILURE", None)
        if isinstance(declared, Failure):
            found[declared.id] = declared
    return MappingProxyType(found)
