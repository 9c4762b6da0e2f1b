"""The service: `uvicorn shop.main:app`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine

from shop.database import make_engine, make_sessions
from shop.housekeeping import keep_house
from shop.routes import cart, exports, health, login, orders, products
from shop.settings import Settings


@asynccontextmanager
async def lifespan(
    app: FastAPI, engine_of: Callable[[Settings], AsyncEngine] = make_engine
) -> AsyncIterator[None]:
    """The engine lives as long as the service, and so does the housekeeping."""
    settings = Settings.from_environment()
    engine = engine_of(settings)
    app.state.settings = settings
    app.state.sessions = make_sessions(engine)
    app.state.exports = asyncio.Semaphore(settings.exports_at_once)
    housekeeping = asyncio.create_task(keep_house(app.state.sessions, settings.housekeeping_every_s))
    try:
        yield
    finally:
        housekeeping.cancel()
        with suppress(asyncio.CancelledError):
            await housekeeping
        await engine.dispose()


async def busy(_: Request, __: Exception) -> JSONResponse:
    """No connection became free in time."""
    return JSONResponse({"detail": "too busy, try again"}, 503, {"Retry-After": "1"})


async def out_of_reach(_: Request, error: Exception) -> JSONResponse:
    """The database is away, or has left in the middle of something; a wrong statement is a fault of ours."""
    if isinstance(error, DBAPIError) and not isinstance(error, InterfaceError | OperationalError):
        raise error
    return JSONResponse({"detail": "the database is out of reach, try again"}, 503, {"Retry-After": "1"})


app = FastAPI(title="Shop", lifespan=lifespan)
app.include_router(login.router)
app.include_router(products.router)
app.include_router(cart.router)
app.include_router(orders.router)
app.include_router(exports.router)
app.include_router(health.router)
app.add_exception_handler(PoolTimeoutError, busy)
app.add_exception_handler(DBAPIError, out_of_reach)
app.add_exception_handler(OSError, out_of_reach)
