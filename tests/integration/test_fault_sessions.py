"""Sessions of ours that a fault holds: they end with the process, and are not taken for the subject's."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg2
import psycopg2.errors
import pytest

from harness.environment.database import TrialDatabase
from harness.environment.own_traffic import OwnTraffic
from harness.environment.parts import PRIMARY, Parts, Sessions
from harness.environment.postgres import DatabaseServer
from harness.environment.primary import primary_of
from harness.errors import TrialFailedError
from harness.faults.lock_table import LockTable
from tests.integration.processes import soon

pytestmark = pytest.mark.integration

MODES = ("table", "rows", "convoy")
HOLDING = """
import sys, time
from harness.environment.address import parse_database_url
from harness.environment.database import DatabaseServer, TrialDatabase
from harness.environment.primary import GivenPrimary
from harness.faults.lock_table import LockTable

url, name, mode = sys.argv[1:]
server = DatabaseServer(parse_database_url(url), "given")
fault = LockTable({"table": "users", "mode": mode})
fault.inject(GivenPrimary(TrialDatabase(name, server)))
print("locked", flush=True)
time.sleep(600)
"""


@pytest.fixture
def database(seeded_server: DatabaseServer) -> Iterator[TrialDatabase]:
    with seeded_server.fresh_database() as database:
        yield database


@contextmanager
def part(database: TrialDatabase, own: OwnTraffic | None = None) -> Iterator[Sessions]:
    with primary_of(database, own) as primary:
        capability: Any = Sessions  # a protocol is no concrete type
        yield Parts({PRIMARY: primary}).require(PRIMARY, capability)


def is_locked(database: TrialDatabase) -> bool:
    try:
        with closing(psycopg2.connect(database.url)) as session, session.cursor() as cursor:
            cursor.execute("SET lock_timeout = '100ms'")
            cursor.execute("SELECT 1 FROM users WHERE id = 1 FOR UPDATE")
    except psycopg2.errors.LockNotAvailable:
        return True
    return False


@pytest.mark.parametrize("mode", MODES)
def test_what_a_killed_process_held_is_free(database: TrialDatabase, mode: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDING, database.admin_url, database.name, mode], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "locked\n"
            assert is_locked(database)
        finally:
            process.kill()
    assert soon(lambda: not is_locked(database))
    with closing(psycopg2.connect(database.url)) as session, session.cursor() as cursor:
        cursor.execute("SELECT * FROM users LIMIT 0")
        assert "poolstorm_never" not in [column.name for column in cursor.description or ()]


@pytest.mark.parametrize("mode", MODES)
def test_its_transactions_are_known_to_be_ours(database: TrialDatabase, mode: str) -> None:
    before, own = database.transactions(), OwnTraffic()
    with part(database, own) as primary:
        fault = LockTable({"table": "users", "mode": mode})
        fault.inject(primary)
        assert fault.prove(primary, 0.1).shown
        fault.heal(primary)
        assert fault.prove_healed(primary, 0.1).shown
    assert own.transactions > 0
    assert soon(lambda: database.transactions() - before == own.transactions), database.transactions() - before


def test_a_table_that_is_not_there_is_told_with_those_that_are(database: TrialDatabase) -> None:
    fault = LockTable({"table": "user"})
    with part(database) as primary:
        with pytest.raises(TrialFailedError, match=r"no table 'user'; it has .*users"):
            fault.inject(primary)
        fault.heal(primary)


def test_a_table_that_another_transaction_keeps_is_given_up(
    database: TrialDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.faults.lock_table.LOCKED_WITHIN_MS", 100)
    fault = LockTable({"table": "users"})
    with (
        part(database) as primary,
        closing(psycopg2.connect(database.url)) as reader,
        reader.cursor() as cursor,
    ):
        cursor.execute("SELECT 1 FROM users LIMIT 1")
        with pytest.raises(TrialFailedError, match="was not to be locked within"):
            fault.inject(primary)
        fault.heal(primary)
