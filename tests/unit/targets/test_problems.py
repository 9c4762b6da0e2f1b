"""Which exception becomes which problem."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable

import asyncpg
import httpx
import psycopg
import psycopg2
import pytest
from fastapi import FastAPI
from sqlalchemy import exc

from targets.contract import PROBLEM_STATUS, PROBLEM_TITLE, ProblemKind
from targets.problems import (
    PoolExhaustedError,
    ProblemError,
    commit_outcome,
    install_problem_handlers,
    is_unique_violation,
    sqlstate,
)


class Refusal(psycopg2.OperationalError):
    """An error as the server sends it."""

    def __init__(self, code: str | None) -> None:
        super().__init__("the server at postgresql://teller:hush@10.0.0.1 said no")
        self.sqlstate = code


def wrapped(kind: type[exc.DBAPIError], code: str | None, invalidated: bool = False) -> exc.DBAPIError:
    return kind("SELECT 1", {}, Refusal(code), connection_invalidated=invalidated)


def answer(raise_it: Callable[[], None]) -> httpx.Response:
    """What a real app answers when a route calls `raise_it`."""
    app = FastAPI()
    install_problem_handlers(app, asyncpg.PostgresError, asyncpg.InterfaceError)

    @app.get("/")
    async def route() -> None:
        raise_it()

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://target") as client:
            return await client.get("/")

    return asyncio.run(ask())


UNAVAILABLE = (503, "database-unavailable", "none")
TOO_MANY = (503, "too-many-connections", "none")
INTERNAL = (500, "internal-error", "none")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (exc.TimeoutError("QueuePool limit reached"), (503, "pool-exhausted", "none")),
        (wrapped(exc.OperationalError, None), UNAVAILABLE),
        (wrapped(exc.OperationalError, "53300"), TOO_MANY),
        (wrapped(exc.InterfaceError, None), UNAVAILABLE),
        (wrapped(exc.DBAPIError, "53300"), TOO_MANY),
        (wrapped(exc.DBAPIError, "57P01"), UNAVAILABLE),
        (wrapped(exc.DBAPIError, "28P01"), UNAVAILABLE),
        (wrapped(exc.DBAPIError, None, invalidated=True), UNAVAILABLE),
        (ConnectionRefusedError(111, "refused"), UNAVAILABLE),
        (ConnectionResetError(104, "reset"), UNAVAILABLE),
        (TimeoutError(), UNAVAILABLE),
        (asyncpg.TooManyConnectionsError("sorry, too many clients already"), TOO_MANY),
        (asyncpg.ConnectionDoesNotExistError("closed in the middle of operation"), UNAVAILABLE),
        (asyncpg.InterfaceError("connection is closed"), UNAVAILABLE),
        (ssl.SSLCertVerificationError("the certificate is another's"), UNAVAILABLE),
        (PoolExhaustedError(), (503, "pool-exhausted", "none")),
        (asyncpg.DataError("invalid input for query argument $1: 'hush'"), INTERNAL),
        (asyncpg.UndefinedTableError("no such table"), INTERNAL),
        (wrapped(exc.ProgrammingError, "42P01"), INTERNAL),
        (wrapped(exc.DBAPIError, "22003"), INTERNAL),
        (exc.InvalidRequestError("a mistake of ours"), INTERNAL),
        (RuntimeError("hush"), INTERNAL),
        (ProblemError(ProblemKind.CONFLICT, "twice"), (409, "conflict", "none")),
        (ProblemError(ProblemKind.DATABASE_UNAVAILABLE, "lost", "unknown"), (*UNAVAILABLE[:2], "unknown")),
    ],
)
def test_an_exception_becomes_its_problem(error: Exception, expected: tuple[int, str, str]) -> None:
    def raise_it() -> None:
        raise error

    response = answer(raise_it)
    body = response.json()
    assert (response.status_code, body["kind"], body["effect"]) == expected
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers.get("retry-after") == (
        "1" if body["kind"] in ("pool-exhausted", "too-many-connections") else None
    )
    assert "hush" not in response.text


@pytest.mark.parametrize(
    ("said", "whose"),
    [
        ('FATAL:  too many connections for role "me"', "the role's"),
        ('FATAL:  too many connections for database "app"', "the database's"),
        ("FATAL:  sorry, too many clients already", "the server's"),
        ("FATAL:  remaining connection slots are reserved for roles with the SUPERUSER attribute", "the server's"),
    ],
)
def test_the_limit_that_was_met_is_named_although_a_driver_tells_no_code(said: str, whose: str) -> None:
    def raise_it() -> None:
        raise exc.OperationalError("", {}, Exception(said))

    response = answer(raise_it)
    assert (503, "too-many-connections") == (response.status_code, response.json()["kind"])
    assert f"PostgreSQL has reached {whose} limit of connections" in response.json()["detail"]
    assert "me" not in response.json()["detail"].split()


def test_every_kind_has_a_status_and_a_title() -> None:
    assert set(PROBLEM_STATUS) == set(PROBLEM_TITLE) == set(ProblemKind)


@pytest.mark.parametrize(
    "error",
    [
        wrapped(exc.OperationalError, None, invalidated=True),
        wrapped(exc.DBAPIError, "08003", invalidated=True),
        wrapped(exc.OperationalError, "57P01", invalidated=True),
        ConnectionResetError(104, "reset"),
    ],
)
def test_an_answer_lost_at_commit_leaves_the_effect_unknown(error: Exception) -> None:
    with pytest.raises(ProblemError) as caught, commit_outcome():
        raise error
    assert (caught.value.kind, caught.value.effect) == (ProblemKind.DATABASE_UNAVAILABLE, "unknown")


@pytest.mark.parametrize(
    "error",
    [
        wrapped(exc.OperationalError, "40001"),
        wrapped(exc.IntegrityError, "23505"),
        wrapped(exc.InterfaceError, None, invalidated=True),
        ValueError("ours"),
    ],
)
def test_a_commit_that_was_answered_or_never_sent_is_raised_as_it_is(error: Exception) -> None:
    with pytest.raises(type(error)) as caught, commit_outcome():
        raise error
    assert caught.value is error


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.AdminShutdownError("terminating connection"),
        asyncpg.ConnectionDoesNotExistError("closed in the middle of operation"),
        psycopg.errors.AdminShutdown("terminating connection"),
        psycopg.OperationalError("consuming input failed"),
    ],
)
def test_a_drivers_own_loss_at_commit_leaves_the_effect_unknown(error: Exception) -> None:
    with (
        pytest.raises(ProblemError) as caught,
        commit_outcome(asyncpg.PostgresError, psycopg.OperationalError),
    ):
        raise error
    assert (caught.value.kind, caught.value.effect) == (ProblemKind.DATABASE_UNAVAILABLE, "unknown")


@pytest.mark.parametrize(
    "error", [asyncpg.SerializationError("retry"), psycopg.errors.SerializationFailure("retry")]
)
def test_a_driver_that_was_answered_at_commit_is_raised_as_it_is(error: Exception) -> None:
    with pytest.raises(type(error)), commit_outcome(asyncpg.PostgresError, psycopg.OperationalError):
        raise error


def test_the_code_is_read_whichever_driver_brought_it() -> None:
    assert sqlstate(wrapped(exc.OperationalError, "53300")) == "53300"
    assert sqlstate(wrapped(exc.OperationalError, None)) is None
    assert sqlstate(asyncpg.TooManyConnectionsError("too many")) == "53300"
    assert sqlstate(OSError()) is None
    assert is_unique_violation(exc.IntegrityError("", {}, Refusal("23505")))
    assert not is_unique_violation(exc.IntegrityError("", {}, Refusal("23503")))
