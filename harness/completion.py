"""What a shell offers after TAB. It is not to be waited for, and importing the registries takes half a second: so
the names stand here, too, and a test holds them to theirs.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

TARGETS = (
    "async-def-sync",
    "async-no-pool",
    "async-pool",
    "asyncpg-raw",
    "cached-reads",
    "cold-start",
    "fewer-columns",
    "get-db",
    "health-in-thread",
    "health-with-session",
    "no-finally",
    "no-finally-tracked",
    "no-finally-uncollected",
    "no-pool",
    "one-statement-more",
    "one-statement-more-async",
    "orm-transfer",
    "prewarmed",
    "psycopg-async-pool",
    "psycopg-pool",
    "psycopg-raw",
    "recommended",
    "returned-session",
    "rw-split",
    "rw-split-sticky",
    "shared-session",
    "single-select",
    "slow-query-log",
    "slow-query-log-errors",
    "sqlmodel",
    "sync-pool",
    "ten-plus-twenty",
    "with-session",
)
SCENARIOS = (
    "baseline",
    "bookkeepers",
    "concurrency",
    "cut-transfers",
    "dropped-connections",
    "exhaustion",
    "exhaustion-30s",
    "exhaustion-open",
    "first-requests",
    "gate",
    "idle-sessions",
    "latency",
    "monitoring",
    "own-writes",
    "raised",
    "remedies",
    "remedies-busy",
    "request-life",
    "round-trips",
    "rw-split",
    "slow-statements",
    "spike",
    "tellers",
    "troubled",
)
USUAL_PLAN = Path("poolstorm.toml")
_MOST_BYTES = 500_000
_NAME = re.compile(r"[a-z0-9-]+")


def targets(incomplete: str) -> list[str]:
    """Targets, and before these the apps of the folder's own plan, whose names begin so."""
    return [name for name in (*_own_apps(), *TARGETS) if name.startswith(incomplete)]


def standard_targets(incomplete: str) -> list[str]:
    """Targets whose names begin so."""
    return [name for name in TARGETS if name.startswith(incomplete)]


def scenarios(incomplete: str) -> list[str]:
    """Scenarios whose names begin so."""
    return [name for name in SCENARIOS if name.startswith(incomplete)]


def _own_apps() -> Iterator[str]:
    """Names in the folder's poolstorm.toml; none where that cannot be read, which the run will tell."""
    try:
        with USUAL_PLAN.open("rb") as file:
            plan = tomllib.loads(file.read(_MOST_BYTES).decode())
    except (OSError, ValueError, RecursionError):
        return
    app, apps = plan.get("app"), plan.get("apps")
    tables = {str(app.get("name", "app")): app} if isinstance(app, dict) else apps
    for name, table in tables.items() if isinstance(tables, dict) else ():
        variants = table.get("variants") if isinstance(table, dict) else None
        names = (name, *(f"{name}-{variant}" for variant in (variants if isinstance(variants, dict) else ())))
        yield from filter(_NAME.fullmatch, names)
