"""Output formats: each turns a Summary, or a Comparison of two, into text. `reports.write` alone writes files.

A format is one module of this package whose name does not begin with `_` and that defines `FORMAT`, a `Format`.
Adding such a file adds the format; no list or switch names them. Modules should import what is heavy inside
`render`, because looking for formats imports them all.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from reports.compare import Comparison
from reports.summary import Summary


@dataclass(frozen=True, slots=True)
class Format:
    """One output format. `suffix` is that of its files, with the dot, such as `.md`.

    `written` says whether a report on disk includes it (terminal text is only ever printed), under the name
    `stem` plus `suffix`. A comparison is always `comparison` plus `suffix`.
    """

    name: str
    suffix: str
    render: Callable[[Summary], str]
    render_comparison: Callable[[Comparison], str]
    written: bool = True
    stem: str = "report"


@cache
def formats() -> Mapping[str, Format]:
    """Every format by its name, in alphabetical order."""
    found: dict[str, Format] = {}
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda module: module.name):
        if module.name.startswith("_"):
            continue
        declared = getattr(importlib.import_module(f"{__name__}.{module.name}"), "FORMAT", None)
        if isinstance(declared, Format):
            found[declared.name] = declared
    return MappingProxyType(found)
