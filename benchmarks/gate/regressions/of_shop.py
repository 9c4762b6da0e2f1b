"""Regressions of examples/shop, as two commits of a repository."""

from __future__ import annotations

from benchmarks.gate.regressions.model import Edit, OfShop, Regression

_ORDERS, _PRODUCTS, _DATABASE = "shop/routes/orders.py", "shop/routes/products.py", "shop/database.py"
_PATHS = ("/products", "/products/7", "/bestsellers", "/healthz")
_OLD_BESTSELLERS = """    query = (
        select(Product.id, Product.name, Bestseller.sold)
        .join(Bestseller, Bestseller.product_id == Product.id)
        .order_by(Bestseller.sold.desc(), Product.id)
        .limit(10)
    )
    return [BestsellerOut.model_validate(row) for row in await session.execute(query)]
"""
_NEW_BESTSELLERS = """\
    query = select(Bestseller).order_by(Bestseller.sold.desc(), Bestseller.product_id).limit(10)
    found = []
    for row in (await session.scalars(query)).all():
        product = await session.get_one(Product, row.product_id)
        found.append(BestsellerOut(id=product.id, name=product.name, sold=row.sold))
    return found
"""
_IMPORT = "from sqlalchemy import select\n"
_PLACED = (
    "    try:\n        order = await place_order(session, customer.id)\n"
    "    except (EmptyCartError, OutOfStockError) as error:\n"
)
_ANNOUNCED = "    afterwards.add_task(confirm, request.app.state.sessions, order.id)\n"

OF_SHOP = (
    Regression(
        "leak-on-error",
        "a session is not closed where there is an error",
        OfShop(
            (
                Edit(
                    _ORDERS,
                    'router = APIRouter(tags=["orders"])\n',
                    'router = APIRouter(tags=["orders"])\nLAST_ERRORS: list[Exception] = []\n',
                ),
                Edit(
                    _ORDERS,
                    "    request: Request, session: SessionDep, customer: CustomerDep, afterwards",
                    "    request: Request, customer: CustomerDep, afterwards",
                ),
                Edit(
                    _ORDERS,
                    _PLACED,
                    f"    session = request.app.state.sessions()\n{_PLACED}        LAST_ERRORS.append(error)\n",
                ),
                Edit(_ORDERS, _ANNOUNCED, f"    await session.close()\n{_ANNOUNCED}"),
            )
        ),
        "gate",
        ("sessions-at-base", "leak", "errors", "opened"),
        "invariants",
    ),
    Regression(
        "engine-per-request",
        "each request makes an engine of its own",
        OfShop(
            (
                Edit(
                    _DATABASE,
                    "    sessions: Sessions = request.app.state.sessions\n    async with sessions() as session:\n"
                    "        yield session\n",
                    "    engine = make_engine(request.app.state.settings)\n"
                    "    async with make_sessions(engine)() as session:\n"
                    "        yield session\n    await engine.dispose()\n",
                ),
            )
        ),
        "brief",
        ("opened", "round trips"),
        "counts",
    ),
    Regression(
        "missing-index",
        "the index of orders by customer is gone, with 100,000 orders",
        OfShop(
            prepared=(
                Edit("migrations/versions/r0002_demo_data.py", "ORDERS = 3000\n", "ORDERS = 100_000\n"),
                Edit("locustfile.py", "@task(2)\n    def own_orders", "@task(20)\n    def own_orders"),
            ),
            edits=(
                Edit(
                    "migrations/versions/r0003_no_index.py",
                    "",
                    '"""The index seemed to be of no use."""\n\nfrom alembic import op\n\nrevision = "0003"\n'
                    'down_revision = "0002"\n\n\ndef upgrade() -> None:\n'
                    '    op.drop_index("ix_orders_customer_id", "orders")\n',
                ),
                Edit("shop/models.py", 'ForeignKey("customers.id"), index=True)', 'ForeignKey("customers.id"))'),
            ),
        ),
        "gate",
        ("p50",),
        "clocks",
    ),
    Regression(
        "no-limit",
        "a list route reads all rows in place of a page",
        OfShop(
            (
                Edit(
                    _PRODUCTS,
                    ".order_by(Product.name).limit(PAGE).offset((page - 1) * PAGE)",
                    ".order_by(Product.name)",
                ),
            ),
            paths=_PATHS,
        ),
        "gate",
        ("cpu", "p50"),
        "clocks",
    ),
    Regression(
        "eager-join-removed",
        "a join is replaced by a load of each row",
        OfShop((Edit(_PRODUCTS, _OLD_BESTSELLERS, _NEW_BESTSELLERS),), paths=_PATHS),
        "brief",
        ("statements", "round trips"),
        "counts",
    ),
    Regression(
        "sleep-in-transaction",
        "somebody else is waited for, 100 ms, within the transaction of an order",
        OfShop(
            (
                Edit(
                    _ORDERS,
                    "from collections.abc import Sequence\n",
                    "import asyncio\nfrom collections.abc import Sequence\n",
                ),
                Edit(
                    _ORDERS,
                    "    await session.commit()  #",
                    "    await asyncio.sleep(0.1)\n    await session.commit()  #",
                ),
            )
        ),
        "gate",
        ("p50",),
        "clocks",
    ),
    Regression(
        "command-timeout-removed",
        "the timeout of statements is removed, and packets vanish",
        OfShop(
            (Edit(_DATABASE, ', "command_timeout": settings.db_command_timeout}', "}"),),
            paths=("/products", "/products/7", "/bestsellers"),
            rate_per_s=60,
            env={"DB_COMMAND_TIMEOUT": "0.4", "DB_POOL_TIMEOUT": "0.6"},
        ),
        "swallowed",
        ("p50-of-all", "recovery"),
        "clocks",
    ),
    Regression(
        "background-session",
        "a background task works on with the request's session, and ends no transaction",
        OfShop(
            (
                Edit(_ORDERS, _ANNOUNCED, "    afterwards.add_task(_confirm, session, order.id)\n"),
                Edit(
                    _ORDERS,
                    _IMPORT,
                    "from sqlalchemy import func, select, update\n"
                    "from sqlalchemy.ext.asyncio import AsyncSession\n",
                ),
                Edit(
                    _ORDERS,
                    '@router.post("/orders"',
                    "async def _confirm(session: AsyncSession, number: int) -> None:\n"
                    "    this = update(Order).where(Order.id == number)\n"
                    "    await session.execute(this.values(confirmed_at=func.now()))\n\n\n"
                    '@router.post("/orders"',
                ),
            )
        ),
        "gate",
        ("sessions-at-base", "leak", "opened", "errors"),
        "invariants",
    ),
    Regression(
        "export-holds-session",
        "a request keeps its connection while its export streams through another",
        OfShop(
            prepared=(
                Edit("locustfile.py", "@task(1)\n    def export", "@task(1000)\n    def export"),
                Edit("locustfile.py", "wait_time = between(0.1, 0.5)", "wait_time = between(0, 0.01)"),
            ),
            edits=(
                Edit(_DATABASE, 'Depends(get_session, scope="function")', "Depends(get_session)"),
                Edit(
                    "shop/routes/exports.py",
                    "async with exports, sessions() as session:",
                    "async with sessions() as session:",
                ),
            ),
        ),
        "crowd",
        ("throughput",),
        "clocks",
    ),
    Regression(
        "health-through-pool",
        "the health check asks the database",
        OfShop(
            (
                Edit(
                    "shop/routes/health.py",
                    "from fastapi import APIRouter\n",
                    "from fastapi import APIRouter\nfrom sqlalchemy import text\n\n"
                    "from shop.database import SessionDep\n",
                ),
                Edit(
                    "shop/routes/health.py",
                    'async def healthz() -> dict[str, str]:\n    """Always the same."""\n',
                    'async def healthz(session: SessionDep) -> dict[str, str]:\n    """Always the same."""\n'
                    '    await session.execute(text("select 1"))\n',
                ),
            ),
            paths=_PATHS,
        ),
        "brief",
        ("statements", "checkouts"),
        "counts",
    ),
)
