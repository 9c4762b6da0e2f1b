"""Twins with one thing planted, by name. They run where they are named, and never by default."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from targets.registry import TEN_PLUS_TWENTY, Target

_OTHER_STATEMENTS = frozenset({"contract"})
"""Right answers, by other statements than the contract counts."""
_ROUTES = frozenset({"routes"})
"""What these cost is counted all the same."""

_ALL = (
    Target(
        name="one-statement-more",
        app="targets.planted.one_statement_more:app",
        title="sync-pool with one statement more a request",
        teaches="whether a gate finds a statement that a dependency has come to ask in each request",
        driver="psycopg2",
        defaults=TEN_PLUS_TWENTY,
        lacks=_OTHER_STATEMENTS,
        also=_ROUTES,
    ),
    Target(
        name="one-statement-more-async",
        app="targets.planted.one_statement_more_async:app",
        title="async-pool with one statement more a request",
        teaches="the same on the event loop",
        driver="asyncpg",
        defaults=TEN_PLUS_TWENTY,
        lacks=_OTHER_STATEMENTS,
        also=_ROUTES,
    ),
)

PLANTED: Mapping[str, Target] = MappingProxyType({target.name: target for target in _ALL})
ONE_STATEMENT_MORE: Mapping[str, str] = MappingProxyType(
    {"sync-pool": "one-statement-more", "async-pool": "one-statement-more-async"}
)
"""Of which target each is the twin."""
