"""Options of the whole test suite, and the real servers that its tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from harness.environment.leash import Leash
from harness.environment.postgres import DatabaseServer, database_server
from harness.environment.toxiproxy import Toxiproxy, toxiproxy_server
from targets.schema import create_schema, seed
from targets.settings import DatabaseUrl


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--update-golden`."""
    parser.addoption(
        "--update-golden",
        action="store_true",
        default=False,
        help="write the golden outputs under tests/golden anew instead of comparing with them",
    )


LIKE_OTHERS = {"psycopg-async-pool", "psycopg-raw", "sqlmodel"}
"""Targets that differ from one which every run of the tests goes through: the contract is asked of them by
`make test-slow`."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as slow what is asked of those targets again."""
    for item in items:
        called = getattr(item, "callspec", None)
        if called is not None and any(value in LIKE_OTHERS for value in map(str, called.params.values())):
            item.add_marker(pytest.mark.slow)


def _silent(text: str) -> None:
    """Nobody reads progress here."""


@pytest.fixture(scope="session")
def leash() -> Iterator[Leash]:
    with Leash() as leash:
        yield leash


@pytest.fixture(scope="session")
def postgres_server(leash: Leash) -> Iterator[DatabaseServer]:
    with database_server(leash, url=None, allow_remote=False, progress=_silent) as server:
        yield server


@pytest.fixture(scope="session")
def seeded_server(leash: Leash, postgres_server: DatabaseServer) -> Iterator[DatabaseServer]:
    """The same server, with a template of its own: its fresh databases hold the schema and the seed data."""

    def build(url: str) -> None:
        engine = create_engine(DatabaseUrl.parse(url).psycopg2(), poolclass=NullPool)
        create_schema(engine)
        seed(engine)
        engine.dispose()

    with database_server(leash, url=postgres_server.admin_url, allow_remote=False, progress=_silent) as server:
        server.create_template(build)
        yield server


@pytest.fixture(scope="session")
def toxiproxy(leash: Leash) -> Iterator[Toxiproxy]:
    with toxiproxy_server(leash, url=None, progress=_silent) as server:
        yield server
