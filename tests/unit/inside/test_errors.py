"""Kinds of errors: by their SQLSTATE, or by what drivers say where they have none."""

from __future__ import annotations

import asyncio
import importlib.util
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
import psycopg
import psycopg2
import psycopg_pool
import pytest
import sqlalchemy.exc

from harness.inside.channel import Channel
from harness.inside.launch import PATH
from tests.unit.inside.test_app_unchanged import ran

if TYPE_CHECKING:
    from poolstorm_probe import errors
else:
    _SPEC = importlib.util.spec_from_file_location("errors", PATH / "poolstorm_probe" / "errors.py")
    errors = importlib.util.module_from_spec(_SPEC)
    _SPEC.loader.exec_module(errors)

LIBPQ = 'connection to server at "127.0.0.1", port 5432 failed: '
SAID = [
    (asyncpg.UniqueViolationError("duplicate"), "23505"),
    (asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation"), "08003"),
    (asyncpg.InterfaceError("cannot perform operation: another operation is in progress"), "overlap"),
    (asyncpg.InterfaceError("connection is closed"), "disconnected"),
    (asyncpg.InterfaceError("pool is closed"), "other"),
    (psycopg.errors.SerializationFailure("could not serialize"), "40001"),
    (psycopg.errors.ConnectionTimeout("connection timeout expired"), "timeout"),
    (psycopg.OperationalError("consuming input failed: server closed the connection"), "disconnected"),
    (psycopg.OperationalError("sending query failed: another command is already in progress"), "overlap"),
    (psycopg_pool.PoolTimeout("couldn't get a connection after 1.00 sec"), "pool-timeout"),
    (psycopg_pool.PoolClosed("the pool 'a' is already closed"), "other"),
    (psycopg2.OperationalError(f"{LIBPQ}FATAL:  sorry, too many clients already"), "53300"),
    (psycopg2.OperationalError(f"{LIBPQ}FATAL:  the database system is starting up"), "57P03"),
    (psycopg2.OperationalError(f'{LIBPQ}FATAL:  database "shop" does not exist'), "3D000"),
    (psycopg2.OperationalError(f"{LIBPQ}timeout expired"), "timeout"),
    (psycopg2.OperationalError(f"{LIBPQ}Connection refused"), "disconnected"),
    (psycopg2.InterfaceError("connection already closed"), "disconnected"),
    (psycopg2.InterfaceError("cursor already closed"), "other"),
    (psycopg2.ProgrammingError("execute cannot be used while an asynchronous query is underway"), "overlap"),
    (sqlalchemy.exc.TimeoutError("QueuePool limit of size 5 overflow 10 reached"), "pool-timeout"),
    (sqlalchemy.exc.IllegalStateChangeError("can't be called here", code="isce"), "overlap"),
    (sqlalchemy.exc.DBAPIError("select", {}, asyncpg.UniqueViolationError("duplicate")), "23505"),
    (TimeoutError(), "timeout"),
    (asyncio.CancelledError(), "cancelled"),
    (ConnectionRefusedError(111, "refused"), "disconnected"),
    (socket.gaierror(-2, "Name or service not known"), "disconnected"),
    (ValueError("no"), "other"),
]


@pytest.mark.parametrize(("error", "kind"), SAID, ids=[f"{type(error).__name__}-{kind}" for error, kind in SAID])
def test_an_error_is_of_one_kind(error: BaseException, kind: str) -> None:
    assert errors.kind_of(error) == kind


def test_an_error_that_cannot_be_told_is_another() -> None:
    class SilentError(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no words")

    assert errors.kind_of(SilentError()) == "other"


_MANY = """
import os
from poolstorm_probe.counts import COUNTS
from poolstorm_probe.outs import OUTS

class Failed(Exception):
    def __init__(self, sqlstate):
        self.sqlstate = sqlstate

COUNTS.listening_to("sqlalchemy")
for number in range(40):
    error = Failed(f"A{number:04}")
    for _ in range(2):  # each is one, however often it is met
        OUTS.failed(error)
OUTS.failed(Failed("A0000"))
OUTS.failed(KeyboardInterrupt())
if not os.fork():
    OUTS.failed(Failed("A0000"))
    os._exit(0)
os.wait()
"""


def test_errors_of_all_processes_are_summed_and_those_of_too_many_kinds_are_others(tmp_path: Path) -> None:
    channel = Channel(tmp_path)
    ran(_MANY, tmp_path)
    found = channel.read().errors
    assert found["A0000"] == 3
    assert found["other"] == 14
    assert sum(found.values()) == 42
    assert len(found) == 27
