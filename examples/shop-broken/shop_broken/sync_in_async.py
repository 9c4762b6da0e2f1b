"""Fault 2: a synchronous Session in an `async def` route.

While it waits for the database, or for a connection of its pool, nothing else of the process goes on: neither
other requests nor `/healthz`. The shop uses an AsyncSession there; a plain `def`, which FastAPI runs in a thread,
would do, too.
"""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import APIRouter, Request
from sqlalchemy import Engine, create_engine, select
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from shop.models import Product
from shop.routes.products import PAGE, Page, Search
from shop.schemas import ProductOut
from shop.settings import Settings
from shop_broken.small_pool import MAX_OVERFLOW, POOL_SIZE, POOL_TIMEOUT_S

router = APIRouter(tags=["products"])


def make_sync_engine(settings: Settings) -> Engine:
    """A second pool beside the first, of the same size, on a synchronous driver."""
    url = make_url(settings.database_url).set(drivername="postgresql+psycopg")
    return create_engine(url, pool_size=POOL_SIZE, max_overflow=MAX_OVERFLOW, pool_timeout=POOL_TIMEOUT_S)


@router.get("/products", response_model=list[ProductOut])
async def products(request: Request, page: Page = 1, search: Search = "") -> Sequence[Product]:
    query = select(Product).order_by(Product.name).limit(PAGE).offset((page - 1) * PAGE)
    if search:
        query = query.where(Product.name.icontains(search, autoescape=True))
    with Session(request.app.state.sync_engine) as session:  # here: it blocks the event loop
        return session.scalars(query).all()
