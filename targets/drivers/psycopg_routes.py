"""The routes on psycopg's own pool: `async def` endpoints that have a connection for as long as they need it.

The connection is back before the answer goes out. psycopg begins a transaction with the first statement, as DB-
API has it, so that what only reads has one, too, which is rolled back when the connection is given back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Annotated
from uuid import UUID

import psycopg
from fastapi import APIRouter, Path, Query, Response

from targets import queries
from targets.contract import (
    MAX_HOLD_MS,
    MAX_PAGE,
    MAX_PAGE_SIZE,
    USER_COLUMNS,
    Columns,
    Held,
    TransferIn,
    TransferOut,
    UserId,
    UserIn,
    UserOut,
    UserPage,
    UserPart,
)
from targets.drivers import psycopg_statements as statements
from targets.drivers.psycopg_own_pool import Connection, Row
from targets.problems import commit_outcome

Acquire = Callable[[], AbstractAsyncContextManager[Connection]]
"""Gives a connection for the time of a block."""


def bank_router(acquire: Acquire) -> APIRouter:
    """Users, transfers and the hold, on connections from `acquire`."""
    router = APIRouter()
    _add_user_routes(router, acquire)
    _add_transfer_routes(router, acquire)

    @router.get("/hold", response_model=Held)
    async def hold(ms: Annotated[int, Query(ge=0, le=MAX_HOLD_MS)]) -> Held:
        async with acquire() as connection:
            await connection.execute(statements.HOLD, [ms / 1000])
        return Held(held_ms=ms)

    return router


def _add_user_routes(router: APIRouter, acquire: Acquire) -> None:
    @router.get("/users/{user_id}", response_model=UserOut)
    async def read_user(user_id: Annotated[UserId, Path()]) -> UserOut:
        async with acquire() as connection:
            row = await (await connection.execute(statements.READ_USER, [user_id])).fetchone()
        if row is None:
            raise queries.user_not_found(user_id)
        return UserOut(**row)

    @router.get("/users", response_model=UserPage, response_model_exclude_unset=True)
    async def list_users(
        page: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 1,
        page_size: Annotated[int, Query(ge=1, le=MAX_PAGE_SIZE)] = 20,
        columns: Annotated[Columns, Query()] = list(USER_COLUMNS),  # noqa: B006 -- FastAPI copies it
    ) -> UserPage:
        limits = [page_size, (page - 1) * page_size]
        async with acquire() as connection:
            rows = await (await connection.execute(statements.page_of_users(columns), limits)).fetchall()
        return UserPage(items=[UserPart(**row) for row in rows], page=page, page_size=page_size)

    @router.post("/users", response_model=UserOut, status_code=201)
    async def create_user(wanted: UserIn) -> UserOut:
        values = [wanted.name, wanted.email, wanted.balance_cents]
        async with acquire() as connection:
            try:
                row = await _returned(connection, statements.CREATE_USER, values)
            except psycopg.errors.UniqueViolation as error:
                raise queries.email_taken() from error
            await commit(connection)
        return UserOut(**row)


def _add_transfer_routes(router: APIRouter, acquire: Acquire) -> None:
    @router.post("/transfers", response_model=TransferOut, status_code=201)
    async def transfer(wanted: TransferIn, response: Response) -> TransferOut:
        async with acquire() as connection:
            done, is_new = await move(connection, wanted)
        if not is_new:
            response.status_code = 200
        return done

    @router.get("/transfers/{token}", response_model=TransferOut)
    async def read_transfer(token: UUID) -> TransferOut:
        async with acquire() as connection:
            row = await (await connection.execute(statements.READ_TRANSFER, [token])).fetchone()
        if row is None:
            raise queries.transfer_not_found(token)
        return TransferOut(**row)


async def move(connection: Connection, wanted: TransferIn) -> tuple[TransferOut, bool]:
    """Move money once, however often it is asked for: the stored transfer, and whether this call made it.

    Commits before it returns, so that no answer promises what the database has not kept. Raises ProblemError.
    """
    sender, receiver, cents = wanted.from_user_id, wanted.to_user_id, wanted.amount_cents
    accounts = await connection.execute(statements.LOCK_ACCOUNTS, [[sender, receiver]])
    balances = {row["id"]: row["balance_cents"] for row in await accounts.fetchall()}
    queries.require_accounts(wanted, balances)
    recorded = await connection.execute(statements.RECORD_TRANSFER, [wanted.token, sender, receiver, cents])
    row = await recorded.fetchone()
    if row is None:
        stored = TransferOut(**await _returned(connection, statements.READ_TRANSFER, [wanted.token]))
        queries.require_repetition(stored, wanted)
        return stored, False
    queries.require_funds(wanted, balances)
    change = {"sender": sender, "receiver": receiver, "cents": cents}
    await connection.execute(statements.MOVE_MONEY, change)
    await commit(connection)
    return TransferOut(**row), True


async def commit(connection: Connection) -> None:
    """COMMIT; where its answer is lost, a problem says that nobody knows its effect."""
    if connection.closed:
        raise psycopg.OperationalError("the connection was closed before COMMIT was sent")
    with commit_outcome(psycopg.OperationalError):
        await connection.commit()


async def _returned(connection: Connection, statement: str, values: Sequence[object]) -> Row:
    """The row that a statement must give."""
    row = await (await connection.execute(statement, values)).fetchone()
    assert row is not None
    return row
