"""Targets on other drivers by name. They run where they are named, and never by default."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from targets.registry import TEN_PLUS_TWENTY, Target

_OTHER_STATEMENTS = frozenset({"contract"})
"""Right answers, by other statements than the contract counts."""

_ALL = (
    Target(
        name="psycopg-pool",
        app="targets.drivers.psycopg_pool:app",
        title="Synchronous pool on psycopg 3, 10+20",
        teaches="whether the driver that SQLAlchemy 2.1 takes by default behaves as psycopg2 does",
        driver="psycopg",
        defaults=TEN_PLUS_TWENTY,
    ),
    Target(
        name="psycopg-async-pool",
        app="targets.drivers.psycopg_async_pool:app",
        title="Asynchronous pool on psycopg 3, 10+20",
        teaches="how coroutines fare on psycopg instead of asyncpg",
        driver="psycopg",
        defaults=TEN_PLUS_TWENTY,
    ),
    Target(
        name="sqlmodel",
        app="targets.drivers.sqlmodel_bank:app",
        title="SQLModel as FastAPI's template has it, 10+20",
        teaches="what models that are schemas too cost, and reading again what was just committed",
        driver="psycopg",
        defaults=TEN_PLUS_TWENTY,
        lacks=_OTHER_STATEMENTS,
        also=frozenset({"routes"}),
    ),
    Target(
        name="asyncpg-raw",
        app="targets.drivers.asyncpg_raw:app",
        title="asyncpg's own pool, 10 to 30",
        teaches="what a driver's own pool does otherwise than SQLAlchemy's, and what the mapper costs",
        driver="asyncpg",
        defaults=TEN_PLUS_TWENTY,
        ignores=frozenset({"pool_recycle_s", "pre_ping", "use_lifo"}),
    ),
    Target(
        name="psycopg-raw",
        app="targets.drivers.psycopg_raw:app",
        title="psycopg's own pool, 10 to 30",
        teaches="what a pool does whose workers open all connections, and how it comes back after losing them",
        driver="psycopg",
        defaults=TEN_PLUS_TWENTY,
        ignores=frozenset({"use_lifo"}),
    ),
)

DRIVERS: Mapping[str, Target] = MappingProxyType({target.name: target for target in _ALL})
