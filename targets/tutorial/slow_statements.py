"""Statements of a chosen duration, each with a comment by which a log of slow ones tells it from others.

They differ in how they end: with a result at once, with an error, by the server's own timeout, or row by row.
"""

from __future__ import annotations

import re
import time
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from sqlalchemy import text
from sqlalchemy.orm import Session

from targets.contract import MAX_HOLD_MS, Held
from targets.sync_routes import SessionDependency

Kind = Literal["plain", "failing", "cancelled", "streamed"]
REPORT = re.compile(r"slow query \([0-9.]+ s\): .*/\* ([a-z0-9_]{1,40}) ([0-9a-f-]{36}) \*/$")
"""A line of a slow-query log with the comment of a statement: what was asked for, and its token. An error's report
names its statement too, and is none of these.
"""
_ROWS = 20


def slow_statements_router(get_db: SessionDependency) -> APIRouter:
    """`GET /slow/{kind}`, on sessions from `get_db`."""
    router = APIRouter()

    @router.get("/slow/{kind}", response_model=Held)
    def slow(
        kind: Kind,
        ms: Annotated[int, Query(ge=0, le=MAX_HOLD_MS)],
        name: Annotated[str, Query(pattern="^[a-z0-9_]{1,40}$")],
        token: UUID,
        db: Session = Depends(get_db),
    ) -> Held:
        """Keeps the database busy for `ms` with one statement."""
        mark = f"/* {name} {token} */"
        began_s = time.monotonic()
        if kind == "plain":
            db.execute(text(f"SELECT pg_sleep(:s) {mark}"), {"s": ms / 1000})
        elif kind == "failing":  # a division by the length of nothing, once it has slept
            db.execute(text(f"SELECT 1 / length(CAST(pg_sleep(:s) AS text)) {mark}"), {"s": ms / 1000})
        elif kind == "cancelled":
            db.execute(text(f"SET LOCAL statement_timeout = {ms}"))
            db.execute(text(f"SELECT pg_sleep(:s) {mark}"), {"s": 2 * ms / 1000})
        else:  # a few rows at a time, by a cursor in the server
            rows = text(f"SELECT pg_sleep(:s) FROM generate_series(1, {_ROWS}) {mark}")
            streamed = db.execute(
                rows, {"s": ms / 1000 / _ROWS}, execution_options={"stream_results": True, "max_row_buffer": 5}
            )
            for _ in streamed:
                pass
        return Held(held_ms=round((time.monotonic() - began_s) * 1000))

    return router
