"""A report whose statement keeps a processor of the database at work: what no pool makes any faster."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel
from sqlalchemy import Integer, Select, column, func, select
from sqlalchemy.orm import Session

from targets.sync_routes import SessionDependency

MOST_ROWS = 10_000_000


class Report(BaseModel):
    """`GET /report`."""

    rows: int


def reports_router(get_session: SessionDependency) -> APIRouter:
    """The report, on sessions from `get_session`."""
    router = APIRouter()

    @router.get("/report", response_model=Report)
    def report(rows: Annotated[int, Query(ge=1, le=MOST_ROWS)], session: Session = Depends(get_session)) -> Report:
        return Report(rows=session.execute(_count(rows)).scalar_one())

    return router


def _count(rows: int) -> Select[int]:
    """Makes that many rows, and counts them, on one processor."""
    numbers = func.generate_series(1, rows, type_=Integer).table_valued(column("n", Integer))
    return select(func.count()).select_from(numbers)
