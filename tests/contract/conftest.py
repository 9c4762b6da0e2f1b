"""Fixtures of the contract suite, on the session's PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from harness.environment.leash import Leash
from harness.environment.postgres import DatabaseServer
from targets.known import KNOWN_TARGETS
from tests.contract.contract_support import BANKS, RunningTarget, running_target

DatabaseFactory = Callable[[], AbstractContextManager[str]]
TargetFactory = Callable[..., RunningTarget]


@pytest.fixture(scope="session")
def fresh_database(seeded_server: DatabaseServer) -> DatabaseFactory:
    """Makes seeded databases: a context manager that yields a URL and drops the database afterwards."""

    @contextmanager
    def database_url() -> Iterator[str]:
        with seeded_server.fresh_database() as database:
            yield database.url

    return database_url


@pytest.fixture(scope="module", params=list(BANKS))
def bank(
    request: pytest.FixtureRequest,
    leash: Leash,
    fresh_database: DatabaseFactory,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[RunningTarget]:
    """Every bank in turn, with its default settings, on a fresh database; shared by a module's tests."""
    folder = tmp_path_factory.mktemp("bank")
    with fresh_database() as url, running_target(leash, BANKS[request.param], url, folder) as running:
        yield running


@pytest.fixture
def start(leash: Leash, fresh_database: DatabaseFactory, tmp_path: Path) -> Iterator[TargetFactory]:
    """Starts a target with settings of the test's own: `start("sync-pool", pool_size=1)`."""
    with ExitStack() as stack:

        def start_target(name: str, database_url: str | None = None, **overrides: Any) -> RunningTarget:
            url = database_url or stack.enter_context(fresh_database())
            return stack.enter_context(running_target(leash, KNOWN_TARGETS[name], url, tmp_path, overrides))

        yield start_target
