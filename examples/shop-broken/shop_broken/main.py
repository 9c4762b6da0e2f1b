"""The broken shop: `uvicorn shop_broken.main:app`, with ../shop on PYTHONPATH.

Its faulty routes come first, so that they answer in place of the shop's own. SHOP_FAULTS names those that are
wanted, such as `sync-in-async,leak-on-error`; without it there are all four.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from shop import main as shop
from shop.database import make_engine
from shop.routes import cart, exports, health, login, orders, products
from shop_broken import late_commit, leak_on_error, small_pool, sync_in_async

ROUTES = {
    "sync-in-async": sync_in_async.router,
    "leak-on-error": leak_on_error.router,
    "late-commit": late_commit.router,
}
FAULTS = ("small-pool", *ROUTES)


def wanted_faults() -> frozenset[str]:
    """Raises ValueError for a name that is none of them."""
    named = frozenset(os.environ.get("SHOP_FAULTS", ",".join(FAULTS)).split(",")) - {""}
    if unknown := named.difference(FAULTS):
        raise ValueError(f"SHOP_FAULTS: {', '.join(sorted(unknown))} is none of {', '.join(FAULTS)}")
    return named


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """The shop's, on other engines."""
    engine_of = small_pool.make_engine if "small-pool" in FAULTS_HERE else make_engine
    async with shop.lifespan(app, engine_of):
        app.state.sync_engine = sync_in_async.make_sync_engine(app.state.settings)
        yield
        app.state.sync_engine.dispose()


FAULTS_HERE = wanted_faults()
app = FastAPI(title="Broken shop", lifespan=lifespan)
for name, router in ROUTES.items():
    if name in FAULTS_HERE:
        app.include_router(router)
for routes in (login, products, cart, orders, exports, health):
    app.include_router(routes.router)
for kind, handler in shop.app.exception_handlers.items():
    app.add_exception_handler(kind, handler)
