"""The tutorial's systems by name. They run where they are named, and for `poolstorm claims`; never by default."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from targets.registry import TARGETS, TEN_PLUS_TWENTY, Target

_ALL = (
    Target(
        name="orm-transfer",
        app="targets.tutorial.orm_transfer:app",
        title="Transfer as the tutorial writes it",
        teaches="what becomes of money that is read, changed and written back through the ORM",
        driver="psycopg2",
        defaults=TEN_PLUS_TWENTY,
        lacks=frozenset({"contract"}),  # right answers, by other statements than it counts
    ),
)

TUTORIAL: Mapping[str, Target] = MappingProxyType({target.name: target for target in _ALL})
KNOWN_TARGETS: Mapping[str, Target] = MappingProxyType({**TARGETS, **TUTORIAL})
"""All that a person may name."""
