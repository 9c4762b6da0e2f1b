"""Target processes for the contract suite, and the database's own view of them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx
import psycopg2

from harness.environment.leash import Leash
from harness.environment.target import target_process
from harness.subject import standard_launch
from targets.drivers.registry import DRIVERS
from targets.registry import TARGETS, Target
from targets.settings import DATABASE_URL_VARIABLE

DEADLINE_S = 30.0
BANKS: Mapping[str, Target] = MappingProxyType({**TARGETS, **DRIVERS})
"""All whose answers are meant to be right, and whose gauges to agree."""
OWN_POOLS = tuple(name for name in DRIVERS if name.endswith("-raw"))
"""Those on a pool of the driver's own."""


def wait_until(condition: Any, what: str) -> None:
    """Poll `condition()` until it is true. Fails the test after DEADLINE_S."""
    ends_at = time.monotonic() + DEADLINE_S
    while not condition():
        if time.monotonic() > ends_at:
            raise AssertionError(f"did not come true within {DEADLINE_S:g} s: {what}")
        time.sleep(0.01)


# --- PostgreSQL ------------------------------------------------------------------------------------------


def query(url: str, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
    """Run one statement on a connection of its own and return the rows."""
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement, parameters or None)
            return cursor.fetchall() if cursor.description else []


def backends(url: str) -> int:
    """Other sessions in the database of `url`, as PostgreSQL counts them."""
    return int(query(url, "SELECT count(*) FROM pg_stat_activity " + _OTHERS)[0][0])


def terminate_backends(url: str) -> int:
    """End all other sessions in the database of `url`; how many were told to."""
    return len(query(url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity " + _OTHERS))


_OTHERS = "WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"


# --- targets ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RunningTarget:
    """A target under uvicorn, and a client for it."""

    target: Target
    client: httpx.Client
    database_url: str = field(repr=False)
    log_path: Path

    @property
    def pooled(self) -> bool:
        return self.client.get("/settings").raise_for_status().json()["pool"]["pool_size"] is not None

    @property
    def pings(self) -> bool:
        """Whether a pooled connection is tested before it is handed out."""
        return bool(self.client.get("/settings").raise_for_status().json()["pool"]["pre_ping"])

    def pool(self) -> dict[str, Any]:
        """`GET /health/db`."""
        return dict(self.client.get("/health/db").raise_for_status().json())

    def settles(self) -> dict[str, Any]:
        """The gauges once no connection is out; fails the test where that never comes."""
        wait_until(lambda: self.pool()["checked_out"] == self.pool()["waiting"] == 0, "nothing is checked out")
        return self.pool()

    def total_cents(self) -> int:
        return int(query(self.database_url, "SELECT sum(balance_cents) FROM users")[0][0])

    def balance(self, user_id: int) -> int:
        rows = query(self.database_url, "SELECT balance_cents FROM users WHERE id = %s", user_id)
        return int(rows[0][0])


@contextmanager
def running_target(
    leash: Leash,
    target: Target,
    database_url: str,
    folder: Path,
    overrides: Mapping[str, Any] | None = None,
    own: Mapping[str, str] | None = None,
) -> Iterator[RunningTarget]:
    """`target` as the harness runs it, with some of its settings replaced, and `own` variables beside them."""
    settings = target.defaults.with_overrides(overrides or {})
    environment = {**settings.to_environment(), DATABASE_URL_VARIABLE: database_url, **(own or {})}
    log_path = folder / f"{target.name}.log"
    with (
        target_process(
            leash, launch=standard_launch(target.app), environment=environment, log_path=log_path
        ) as process,
        httpx.Client(
            base_url=process.url, timeout=30, limits=httpx.Limits(max_connections=100), trust_env=False
        ) as client,
    ):
        yield RunningTarget(target, client, database_url, log_path)
