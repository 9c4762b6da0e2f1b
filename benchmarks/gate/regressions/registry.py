"""All of them, by name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from benchmarks.gate.regressions.model import Regression
from benchmarks.gate.regressions.of_shop import OF_SHOP
from benchmarks.gate.regressions.of_targets import OF_TARGETS

_ORDER = ("counts", "invariants", "clocks")
"""What needs no quiet machine comes first."""
REGRESSIONS: Mapping[str, Regression] = MappingProxyType(
    {one.name: one for one in sorted((*OF_TARGETS, *OF_SHOP), key=lambda one: _ORDER.index(one.rests_on))}
)
