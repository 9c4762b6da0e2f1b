"""Regressions of the standard targets: other settings, another pool, or a small change to their code."""

from __future__ import annotations

from benchmarks.gate.regressions.model import USUAL_PAIRS, Edit, OfTarget, Regression

_SYNC_POOL, _SYNC_ROUTES = "targets/sync_pool.py", "targets/sync_routes.py"
_ASYNC_POOL, _ASYNC_ROUTES = "targets/async_pool.py", "targets/async_routes.py"
_LIFO = "    pool_use_lifo=SETTINGS.use_lifo,\n"
_SESSION = "    with new_session() as session:\n        yield session\n"
_GET_USER = "user = session.get(User, user_id)\n"
_PAGE = "rows = session.execute(queries.page_of_users(columns, page, page_size))\n"
_A_PAGE = "UserPage(items=[UserPart(**row) for row in rows.mappings()], page=page, page_size=page_size)"
_ITEMS = (
    f'return {_A_PAGE}\n\n    @router.post("/users", response_model=UserOut, status_code=201)\n    def create_user'
)
_TEXT = Edit(_SYNC_POOL, "from sqlalchemy import create_engine\n", "from sqlalchemy import create_engine, text\n")
_COMMIT = "    with commit_outcome():\n        session.commit()\n    return TransferOut"


def _in_sync_routes(before: str, after: str) -> OfTarget:
    return OfTarget("sync-pool", edits=(Edit(_SYNC_ROUTES, before, after),))


_SETTINGS = (
    Regression(
        "pool-halved",
        "the pool is halved",
        OfTarget(
            "async-pool",
            base_pool={"pool_size": 10, "max_overflow": 6},
            head_pool={"pool_size": 5, "max_overflow": 3},
        ),
        "ladder",
        ("exhaustion-onset",),
        "counts",
    ),
    Regression(
        "no-overflow",
        "max_overflow is 0 and the pool too small for it",
        OfTarget(
            "sync-pool",
            base_pool={"pool_size": 5, "max_overflow": 10},
            head_pool={"pool_size": 5, "max_overflow": 0},
        ),
        "ladder",
        ("exhaustion-onset",),
        "counts",
    ),
    Regression(
        "pre-ping-removed",
        "pre-ping is removed, and the database restarts",
        OfTarget("sync-pool", head_pool={"pre_ping": False}),
        "cut-at-rest",
        ("errors", "error-share"),
        "invariants",
    ),
    Regression(
        "pre-ping-added",
        "pre-ping is added",
        OfTarget("async-pool", base_pool={"pre_ping": False}, head_pool={"pre_ping": True}),
        "brief",
        ("pings", "round trips"),
        "counts",
    ),
    Regression(
        "recycle-1s",
        "connections are recycled after a second",
        OfTarget("sync-pool", head_pool={"pool_recycle_s": 1}),
        "gate",
        ("opened",),
        "counts",
    ),
    Regression(
        "connect-timeout-removed",
        "the connect timeout is removed, and packets vanish",
        OfTarget("async-no-pool", base_pool={"connect_timeout_s": 1}),
        "swallowed",
        ("p50", "p50-of-all"),
        "clocks",
    ),
    Regression(
        "pool-timeout-30s",
        "an exhausted pool is waited for half a minute",
        OfTarget(
            "async-pool",
            base_pool={"pool_size": 5, "max_overflow": 0, "pool_timeout_s": 0.3},
            head_pool={"pool_size": 5, "max_overflow": 0, "pool_timeout_s": 30.0},
        ),
        "too-many-holders",
        ("p50", "p50-of-all"),
        "clocks",
    ),
    Regression(
        "no-pool",
        "the pool is replaced by a connection for each request (NullPool)",
        OfTarget("sync-pool", head="no-pool"),
        "brief",
        ("opened", "round trips"),
        "counts",
    ),
    Regression(
        "few-threads",
        "the thread pool is lowered to two",
        OfTarget("sync-pool", head_pool={"threadpool_tokens": 2}),
        "crowd",
        ("throughput",),
        "clocks",
    ),
    Regression(
        "warm-up-removed",
        "the pool is no longer warmed before the first request",
        OfTarget("prewarmed", head="cold-start"),
        "first-requests",
        ("opened",),
        "counts",
    ),
    Regression(
        "no-lock",
        "balances are read, changed and written without a lock",
        OfTarget("sync-pool", head="orm-transfer"),
        "tellers",
        ("bank", "money-is-conserved", "ledger"),
        "invariants",
    ),
)

_STATEMENTS = (
    Regression(
        "n-plus-one",
        "a list route asks for each row by itself",
        OfTarget(
            "sync-pool",
            edits=(
                Edit(
                    _SYNC_ROUTES,
                    _PAGE,
                    'ids = session.execute(queries.page_of_users(["id"], page, page_size)).scalars()\n'
                    "        users = [session.get_one(User, one) for one in ids]\n",
                ),
                Edit(
                    _SYNC_ROUTES,
                    _ITEMS,
                    _ITEMS.replace(
                        "UserPart(**row) for row in rows.mappings()",
                        "UserPart(**{name: getattr(user, name) for name in columns}) for user in users",
                    ),
                ),
            ),
        ),
        "brief",
        ("statements", "round trips"),
        "counts",
    ),
    Regression(
        "one-more-statement",
        "a row that was read is refreshed on one route",
        _in_sync_routes(_GET_USER, f"{_GET_USER}        session.refresh(user) if user else None\n"),
        "brief",
        ("statements", "round trips"),
        "counts",
    ),
    Regression(
        "nested-checkout",
        "an audit takes a second connection within each request",
        OfTarget(
            "sync-pool",
            edits=(
                _TEXT,
                Edit(
                    _SYNC_POOL,
                    _SESSION,
                    "    with new_session() as audit, new_session() as session:\n"
                    '        audit.execute(text("select 1"))\n        yield session\n',
                ),
            ),
        ),
        "brief",
        ("checkouts", "statements"),
        "counts",
    ),
    Regression(
        "isolation-level",
        "each session sets its isolation level by a statement of its own",
        OfTarget(
            "sync-pool",
            edits=(
                _TEXT,
                Edit(
                    _SYNC_POOL,
                    _SESSION,
                    "    with new_session() as session:\n"
                    '        session.execute(text("set transaction isolation level repeatable read"))\n'
                    "        yield session\n",
                ),
            ),
        ),
        "brief",
        ("statements", "round trips"),
        "counts",
    ),
    Regression(
        "expire-on-commit",
        "objects are read again after the commit (expire_on_commit)",
        OfTarget("sync-pool", edits=(Edit(_SYNC_POOL, "expire_on_commit=False", "expire_on_commit=True"),)),
        "brief",
        ("statements", "round trips"),
        "counts",
    ),
    Regression(
        "commit-per-row",
        "a transfer is committed in two parts",
        _in_sync_routes(
            "    queries.require_funds(wanted, balances)\n    session.execute(queries.move_money(wanted))",
            "    session.commit()\n    queries.require_funds(wanted, balances)\n"
            "    session.execute(queries.move_money(wanted))",
        ),
        "brief",
        ("transactions", "checkouts", "round trips"),
        "counts",
    ),
    Regression(
        "statement-cache-off",
        "asyncpg's cache of prepared statements is turned off",
        OfTarget(
            "async-pool",
            edits=(
                Edit(
                    _ASYNC_POOL,
                    "connect_args=SETTINGS.asyncpg_connect_args(),",
                    'connect_args={**SETTINGS.asyncpg_connect_args(), "statement_cache_size": 0, '
                    '"prepared_statement_cache_size": 0},',
                ),
            ),
        ),
        "brief",
        ("round trips",),
        "counts",
    ),
    Regression(
        "late-commit",
        "the commit moves behind the answer",
        OfTarget(
            "sync-pool",
            edits=(
                Edit(_SYNC_POOL, _SESSION, f"{_SESSION}        session.commit()\n"),
                Edit(_SYNC_ROUTES, _COMMIT, "    return TransferOut"),
            ),
        ),
        "look-at-once",
        ("staleness", "answers-right"),
        "invariants",
    ),
    Regression(
        "await-dropped",
        "the await before a commit is dropped",
        OfTarget(
            "async-pool",
            edits=(
                Edit(
                    _ASYNC_ROUTES,
                    "        await session.commit()\n    return TransferOut",
                    "        session.commit()\n    return TransferOut",
                ),
            ),
        ),
        "brief",
        ("ledger", "answers-right"),
        "invariants",
    ),
)

_TIMES = (
    Regression(
        "sync-in-async",
        "a coroutine asks the database by a synchronous session, so that the loop blocks",
        OfTarget(
            "async-pool",
            latency_ms=10,
            edits=(
                Edit(
                    _ASYNC_ROUTES,
                    "from sqlalchemy.exc import IntegrityError\n",
                    "from sqlalchemy import create_engine\nfrom sqlalchemy.exc import IntegrityError\n"
                    "from sqlalchemy.orm import Session\n",
                ),
                Edit(
                    _ASYNC_ROUTES,
                    "from targets.schema import User\n",
                    "from targets.schema import User\nfrom targets.settings import DatabaseUrl\n\n"
                    "_engine = create_engine(DatabaseUrl.from_environment().psycopg2(), pool_pre_ping=True)\n",
                ),
                Edit(
                    _ASYNC_ROUTES,
                    "        user = await session.get(User, user_id)\n",
                    "        with Session(_engine) as blocking:\n            user = blocking.get(User, user_id)\n",
                ),
            ),
        ),
        "gate",
        ("p50", "p99", "generator-lag"),
        "clocks",
    ),
    Regression(
        "lock-held-longer",
        "a transfer does 20 ms of something else while it holds its locks",
        OfTarget(
            "sync-pool",
            edits=(
                Edit(
                    _SYNC_ROUTES,
                    "from collections.abc import Callable, Iterator\n",
                    "import time\nfrom collections.abc import Callable, Iterator\n",
                ),
                Edit(_SYNC_ROUTES, _COMMIT, f"    time.sleep(0.02)\n{_COMMIT}"),
            ),
        ),
        "gate",
        ("p50",),
        "clocks",
    ),
    Regression(
        "spin-2ms",
        "an answer is computed in Python for 2 ms",
        OfTarget(
            "sync-pool",
            edits=(
                Edit(
                    _SYNC_ROUTES,
                    "from collections.abc import Callable, Iterator\n",
                    "import time\nfrom collections.abc import Callable, Iterator\n",
                ),
                Edit(
                    _SYNC_ROUTES,
                    _GET_USER,
                    f"{_GET_USER}        until = time.perf_counter() + 0.002\n"
                    "        while time.perf_counter() < until:\n            pass\n",
                ),
            ),
        ),
        "gate",
        ("cpu", "p50"),
        "clocks",
        USUAL_PAIRS,
    ),
    Regression(
        "json-twice",
        "a page is serialised, read and serialised again",
        _in_sync_routes(
            _ITEMS,
            _ITEMS.replace(
                f"return {_A_PAGE}",
                f"found = {_A_PAGE}\n"
                "        return UserPage.model_validate_json(found.model_dump_json(exclude_unset=True))",
            ),
        ),
        "gate",
        ("p50", "cpu"),
        "clocks",
        USUAL_PAIRS,
    ),
    Regression(
        "middleware",
        "a middleware costs each request a twentieth more",
        OfTarget(
            "sync-pool",
            edits=(
                Edit(
                    _SYNC_POOL,
                    "from fastapi import FastAPI\n",
                    "from fastapi import FastAPI, Request, Response\n"
                    "from starlette.middleware.base import RequestResponseEndpoint\n",
                ),
                Edit(
                    _SYNC_POOL,
                    "install_problem_handlers(app)\n",
                    'install_problem_handlers(app)\n\n\n@app.middleware("http")\n'
                    "async def stamp(request: Request, go_on: RequestResponseEndpoint) -> Response:\n"
                    "    response = await go_on(request)\n"
                    '    response.headers["X-Path"] = request.url.path\n    return response\n\n\n',
                ),
            ),
        ),
        "gate",
        ("cpu", "p50"),
        "clocks",
        USUAL_PAIRS,
    ),
    Regression(
        "echo",
        "the engine prints each statement (echo=True)",
        OfTarget("sync-pool", edits=(Edit(_SYNC_POOL, _LIFO, f"{_LIFO}    echo=True,\n"),)),
        "gate",
        ("cpu", "p50"),
        "clocks",
        USUAL_PAIRS,
    ),
)

OF_TARGETS = (*_SETTINGS, *_STATEMENTS, *_TIMES)
