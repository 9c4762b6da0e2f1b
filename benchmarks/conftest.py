"""A PostgreSQL server for the benchmarks: the harness's own, with its settings."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from harness.environment.leash import Leash
from harness.environment.postgres import database_server
from targets.settings import DatabaseUrl


@pytest.fixture(scope="session")
def database() -> Iterator[DatabaseUrl]:
    """An empty database, straight on loopback: no proxy, so that the pool is what is measured."""
    with (
        Leash() as leash,
        database_server(leash, url=None, allow_remote=False, progress=lambda _: None) as server,
        server.fresh_database() as fresh,
    ):
        yield DatabaseUrl.parse(fresh.url)
