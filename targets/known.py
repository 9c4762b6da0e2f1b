"""All targets that a person may name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from targets.drivers.registry import DRIVERS
from targets.planted.registry import PLANTED
from targets.registry import TARGETS, Target
from targets.tutorial.registry import TUTORIAL

KNOWN_TARGETS: Mapping[str, Target] = MappingProxyType({**TARGETS, **DRIVERS, **TUTORIAL, **PLANTED})
