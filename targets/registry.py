"""The targets by name, and what each teaches.

Importing this imports neither FastAPI nor SQLAlchemy nor any target, so that the harness can read it anywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from targets.settings import PoolSettings


@dataclass(frozen=True, slots=True)
class Target:
    """One system under test. `app` is what uvicorn runs; `defaults` hold where the environment says nothing.

    `lacks` names what it has not of the capabilities of a standard target (`harness.subject.Capability`), such as
    `contract` for one whose answers are meant to be wrong; `also` what it has beside them. `needs_parts` names
    what it stands on beside a primary database, such as a `replica`. `ignores` names the settings of a pool that
    its own pool has nothing like; it tells them as null.
    """

    name: str
    app: str
    title: str
    teaches: str
    driver: str
    defaults: PoolSettings
    lacks: frozenset[str] = frozenset()
    also: frozenset[str] = frozenset()
    needs_parts: frozenset[str] = frozenset()
    ignores: frozenset[str] = frozenset()


TEN_PLUS_TWENTY = PoolSettings(
    pool_size=10, max_overflow=20, pool_timeout_s=30, pool_recycle_s=3600, pre_ping=True
)
TWENTY_PLUS_THIRTY = PoolSettings(
    pool_size=20, max_overflow=30, pool_timeout_s=30, pool_recycle_s=3600, pre_ping=True
)

_ALL = (
    Target(
        name="sync-pool",
        app="targets.sync_pool:app",
        title="Synchronous pool, 10+20",
        teaches="how threads share a queue pool of ten connections and twenty more under load",
        driver="psycopg2",
        defaults=TEN_PLUS_TWENTY,
    ),
    Target(
        name="async-pool",
        app="targets.async_pool:app",
        title="Asynchronous pool, 10+20",
        teaches="how the same pool behaves when coroutines instead of threads wait for it",
        driver="asyncpg",
        defaults=TEN_PLUS_TWENTY,
    ),
    Target(
        name="no-pool",
        app="targets.no_pool:app",
        title="No pool, synchronous",
        teaches="what opening a connection for each request costs, and what limits their number without a pool",
        driver="psycopg2",
        defaults=TEN_PLUS_TWENTY,
    ),
    Target(
        name="async-no-pool",
        app="targets.async_no_pool:app",
        title="No pool, asynchronous",
        teaches="that without a pool nothing keeps coroutines from opening more connections than the database has",
        driver="asyncpg",
        defaults=TEN_PLUS_TWENTY,
    ),
    Target(
        name="recommended",
        app="targets.recommended:app",
        title="Often recommended pool, 20+30",
        teaches="whether the larger pool that is often recommended does better than 10+20",
        driver="psycopg2",
        defaults=TWENTY_PLUS_THIRTY,
    ),
)

TARGETS: Mapping[str, Target] = MappingProxyType({target.name: target for target in _ALL})
