"""The routes on asyncpg's own pool: `async def` endpoints that have a connection for as long as they need it.

The connection is back before the answer goes out. What only reads runs without a transaction of its own, and so
without the round trips that would begin and end one.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Annotated
from uuid import UUID

import asyncpg
from asyncpg.pool import PoolConnectionProxy
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
from targets.drivers import asyncpg_statements as statements
from targets.problems import commit_outcome

Acquire = Callable[[], AbstractAsyncContextManager[PoolConnectionProxy]]
"""Gives a connection for the time of a block."""


def bank_router(acquire: Acquire) -> APIRouter:
    """Users, transfers and the hold, on connections from `acquire`."""
    router = APIRouter()
    _add_user_routes(router, acquire)
    _add_transfer_routes(router, acquire)

    @router.get("/hold", response_model=Held)
    async def hold(ms: Annotated[int, Query(ge=0, le=MAX_HOLD_MS)]) -> Held:
        async with acquire() as connection:
            await connection.fetch(statements.HOLD, ms / 1000)
        return Held(held_ms=ms)

    return router


def _add_user_routes(router: APIRouter, acquire: Acquire) -> None:
    @router.get("/users/{user_id}", response_model=UserOut)
    async def read_user(user_id: Annotated[UserId, Path()]) -> UserOut:
        async with acquire() as connection:
            row = await connection.fetchrow(statements.READ_USER, user_id)
        if row is None:
            raise queries.user_not_found(user_id)
        return UserOut(**row)

    @router.get("/users", response_model=UserPage, response_model_exclude_unset=True)
    async def list_users(
        page: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 1,
        page_size: Annotated[int, Query(ge=1, le=MAX_PAGE_SIZE)] = 20,
        columns: Annotated[Columns, Query()] = list(USER_COLUMNS),  # noqa: B006 -- FastAPI copies it
    ) -> UserPage:
        async with acquire() as connection:
            rows = await connection.fetch(statements.page_of_users(columns), page_size, (page - 1) * page_size)
        return UserPage(items=[UserPart(**row) for row in rows], page=page, page_size=page_size)

    @router.post("/users", response_model=UserOut, status_code=201)
    async def create_user(wanted: UserIn) -> UserOut:
        async with acquire() as connection, transaction(connection):
            try:
                row = await connection.fetchrow(
                    statements.CREATE_USER, wanted.name, wanted.email, wanted.balance_cents
                )
            except asyncpg.UniqueViolationError as error:
                raise queries.email_taken() from error
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
            row = await connection.fetchrow(statements.READ_TRANSFER, token)
        if row is None:
            raise queries.transfer_not_found(token)
        return TransferOut(**row)


async def move(connection: PoolConnectionProxy, wanted: TransferIn) -> tuple[TransferOut, bool]:
    """Move money once, however often it is asked for: the stored transfer, and whether this call made it.

    Commits before it returns, so that no answer promises what the database has not kept. Raises ProblemError.
    """
    sender, receiver, cents = wanted.from_user_id, wanted.to_user_id, wanted.amount_cents
    async with transaction(connection):
        accounts = await connection.fetch(statements.LOCK_ACCOUNTS, [sender, receiver])
        balances = {row["id"]: row["balance_cents"] for row in accounts}
        queries.require_accounts(wanted, balances)
        row = await connection.fetchrow(statements.RECORD_TRANSFER, wanted.token, sender, receiver, cents)
        if row is None:
            stored = TransferOut(**await connection.fetchrow(statements.READ_TRANSFER, wanted.token))
            queries.require_repetition(stored, wanted)
            return stored, False
        queries.require_funds(wanted, balances)
        await connection.execute(statements.MOVE_MONEY, sender, receiver, cents)
    return TransferOut(**row), True


@asynccontextmanager
async def transaction(connection: PoolConnectionProxy) -> AsyncIterator[None]:
    """Commits at its end, and rolls back where the block fails.

    asyncpg's own block would do; this one tells a loss at COMMIT, whose effect nobody knows, from others.
    """
    work = connection.transaction()
    await work.start()
    try:
        yield
    except BaseException:
        if not connection.is_closed():
            await work.rollback()
        raise
    with commit_outcome(asyncpg.PostgresError):
        await work.commit()
