"""What there is to buy. Anyone may look."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Query
from sqlalchemy import select

from shop.database import SessionDep
from shop.models import Bestseller, Product
from shop.schemas import BestsellerOut, ProductOut

router = APIRouter(tags=["products"])
PAGE = 20
Page = Annotated[int, Query(ge=1, le=10_000)]
Search = Annotated[str, Query(max_length=100, pattern=r"^[^\x00]*$")]


@router.get("/products", response_model=list[ProductOut])
async def products(session: SessionDep, page: Page = 1, search: Search = "") -> Sequence[Product]:
    """A page of them, by name."""
    query = select(Product).order_by(Product.name).limit(PAGE).offset((page - 1) * PAGE)
    if search:
        query = query.where(Product.name.icontains(search, autoescape=True))
    return (await session.scalars(query)).all()


@router.get("/products/{number}", response_model=ProductOut)
async def product(session: SessionDep, number: Annotated[int, Path(ge=1, le=2**63 - 1)]) -> Product:
    """One of them."""
    found = await session.get(Product, number)
    if found is None:
        raise HTTPException(404, f"there is no product {number}")
    return found


@router.get("/bestsellers")
async def bestsellers(session: SessionDep) -> list[BestsellerOut]:
    """The ten that sold most, as of the last housekeeping."""
    query = (
        select(Product.id, Product.name, Bestseller.sold)
        .join(Bestseller, Bestseller.product_id == Product.id)
        .order_by(Bestseller.sold.desc(), Product.id)
        .limit(10)
    )
    return [BestsellerOut.model_validate(row) for row in await session.execute(query)]
