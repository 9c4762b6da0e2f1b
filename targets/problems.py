"""Every error as application/problem+json: which exception is which problem.

`install_problem_handlers` is all that an app needs; routes raise `ProblemError` for what only they can know.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy import exc
from starlette.exceptions import HTTPException
from starlette.responses import Response

from targets.contract import PROBLEM_MEDIA_TYPE, RETRY_AFTER_S, Effect, ProblemBody, ProblemKind

logger = logging.getLogger("poolstorm.target")

UNAVAILABLE_CLASSES = frozenset({"08", "28", "3D", "40", "53", "55", "57", "58"})
"""Classes of SQLSTATE that speak of the database and not of the statement: connection, login, no such
database, rolled back by a conflict, too few resources (53300 is too many clients), not in the state for it,
operator, system. psycopg2 tells no code where a connect fails; asyncpg does."""

_UNIQUE_VIOLATION = "23505"
_TOO_MANY_CONNECTIONS = "53300"
_LIMITS = {
    "too many connections for role": "the role's",
    "too many connections for database": "the database's",
    "too many clients already": "the server's",
    "remaining connection slots are reserved": "the server's",
}
"""What PostgreSQL says when a limit of connections is met, and whose limit that is."""


class ProblemError(Exception):
    """Raised by a route to answer with a problem."""

    def __init__(self, kind: ProblemKind, detail: str, effect: Effect = "none") -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.effect: Effect = effect


class PoolExhaustedError(Exception):
    """No connection became free in time, in a pool that is not SQLAlchemy's."""


def install_problem_handlers(app: FastAPI, *driver_errors: type[Exception]) -> None:
    """Have `app` answer every error as a problem.

    `driver_errors` are exceptions that a driver may raise past SQLAlchemy, such as asyncpg's while a new
    connection is being set up. All handlers are coroutines: a plain function would wait for a worker thread,
    which is just what is missing when the pool is exhausted.
    """
    app.add_exception_handler(ProblemError, _on_problem)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(exc.TimeoutError, _on_pool_timeout)
    app.add_exception_handler(PoolExhaustedError, _on_pool_timeout)
    for error in (exc.SQLAlchemyError, OSError, *driver_errors):  # TimeoutError is an OSError
        app.add_exception_handler(error, _on_database_error)
    app.add_exception_handler(Exception, _on_unexpected)


def sqlstate(error: BaseException) -> str | None:
    """PostgreSQL's five-character code, whichever driver brought it; None where the server said nothing."""
    cause = error.orig if isinstance(error, exc.DBAPIError) else error
    code = getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)
    return code if isinstance(code, str) else None


def is_unique_violation(error: Exception) -> bool:
    """Whether a unique constraint refused the statement."""
    return sqlstate(error) == _UNIQUE_VIOLATION


def met_limit(error: Exception) -> str | None:
    """Whose limit of connections PostgreSQL says was met, such as `the role's`; None for another error."""
    text = str(error)
    named = next((whose for said, whose in _LIMITS.items() if said in text), None)
    return named or ("the server's" if sqlstate(error) == _TOO_MANY_CONNECTIONS else None)


def is_database_unavailable(error: Exception) -> bool:
    """Whether the database could not be reached, was lost, or refused for want of resources."""
    if isinstance(error, exc.DBAPIError) and error.connection_invalidated:
        return True
    code = sqlstate(error)
    if code is not None:
        return code[:2] in UNAVAILABLE_CLASSES or isinstance(error, exc.OperationalError)
    if isinstance(error, OSError):
        return True
    # asyncpg calls an argument that cannot be sent both an InterfaceError and a ValueError.
    from_driver = not isinstance(error, exc.SQLAlchemyError | ValueError)
    return from_driver or isinstance(error, exc.OperationalError | exc.InterfaceError)


@contextmanager
def commit_outcome(*driver_errors: type[Exception]) -> Iterator[None]:
    """Around a COMMIT: a lost answer becomes a problem whose effect is unknown.

    Holds nothing but the commit; flush before, so that no other statement runs inside. `driver_errors` are those
    of a driver that is used without SQLAlchemy, raised once COMMIT may have been sent.
    """
    caught: tuple[type[Exception], ...] = (exc.DBAPIError, OSError, *driver_errors)
    try:
        yield
    except caught as error:
        if not _answer_was_lost(error):
            raise
        detail = (
            "The connection was lost while the transaction was being committed; look it up before sending again."
        )
        raise ProblemError(ProblemKind.DATABASE_UNAVAILABLE, detail, effect="unknown") from error


def _answer_was_lost(error: Exception) -> bool:
    """False where the server answered, or where the driver knew beforehand that it could not send."""
    if isinstance(error, exc.InterfaceError):
        return False
    code = sqlstate(error)
    # A session that is shut down (57P..) may have committed just before: libpq then reports the shutdown alone.
    return code is None or code.startswith(("08", "57P"))


def problem_response(
    kind: ProblemKind, detail: str, effect: Effect = "none", headers: Mapping[str, str] | None = None
) -> Response:
    """The answer for a problem."""
    body = ProblemBody.of(kind, detail, effect)
    return Response(
        body.model_dump_json(ensure_ascii=True),
        status_code=body.status,
        headers=dict(headers or {}),
        media_type=PROBLEM_MEDIA_TYPE,
    )


async def _on_problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)
    return problem_response(error.kind, error.detail, error.effect)


async def _on_invalid_request(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    faults = (f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}" for fault in error.errors())
    return problem_response(ProblemKind.INVALID_INPUT, "; ".join(faults))


async def _on_http_exception(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    kinds = {404: ProblemKind.NOT_FOUND, 405: ProblemKind.METHOD_NOT_ALLOWED}
    fallback = ProblemKind.INVALID_INPUT if error.status_code < 500 else ProblemKind.INTERNAL_ERROR
    return problem_response(kinds.get(error.status_code, fallback), str(error.detail), headers=error.headers)


async def _on_pool_timeout(_: Request, error: Exception) -> Response:
    assert isinstance(error, exc.TimeoutError | PoolExhaustedError)
    detail = "No database connection became free in time; try again later."
    return problem_response(ProblemKind.POOL_EXHAUSTED, detail, headers={"Retry-After": str(RETRY_AFTER_S)})


async def _on_database_error(request: Request, error: Exception) -> Response:
    """The detail is ours and not the driver's, whose texts may quote the address."""
    if not is_database_unavailable(error):
        return await _on_unexpected(request, error)
    if whose := met_limit(error):
        detail = f"PostgreSQL has reached {whose} limit of connections, below that of the pools; try again later."
        return problem_response(
            ProblemKind.TOO_MANY_CONNECTIONS, detail, headers={"Retry-After": str(RETRY_AFTER_S)}
        )
    code = sqlstate(error)
    said = f"SQLSTATE {code}" if code else type(error).__name__
    return problem_response(ProblemKind.DATABASE_UNAVAILABLE, f"The database did not serve the request ({said}).")


async def _on_unexpected(request: Request, error: Exception) -> Response:
    logger.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return problem_response(
        ProblemKind.INTERNAL_ERROR, "The request failed for a reason that is in the service's log."
    )
