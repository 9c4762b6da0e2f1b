"""Synchronous SQLAlchemy under FastAPI: an ordinary route, and one for each thing that can be wrong."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import Depends, FastAPI
from fastapi.responses import StreamingResponse
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.orm import Session

URL = os.environ["DATABASE_URL"]
engine = create_engine(URL, pool_size=2, max_overflow=0, pool_timeout=0.2)
app = FastAPI()
kept: list[Connection] = []
go_on = threading.Event()

with engine.begin() as _connection:
    _connection.execute(text("create table if not exists pair (n int unique deferrable initially deferred)"))
    _connection.execute(text("insert into pair select 1 where not exists (select from pair)"))


def session() -> Iterator[Session]:
    with Session(engine) as opened:
        yield opened


def committed_at_the_end() -> Iterator[Session]:
    with Session(engine) as opened:
        yield opened
        opened.commit()


Opened = Annotated[Session, Depends(session)]
CommittedAtTheEnd = Annotated[Session, Depends(committed_at_the_end)]


@app.get("/ordinary")
def ordinary(opened: Opened) -> int:
    found = opened.execute(text("select 1")).scalar_one()
    opened.execute(text("select 2"))
    opened.commit()
    return int(found)


@app.get("/nested")
def nested(opened: Opened) -> None:
    opened.execute(text("select 1"))
    with engine.connect() as second:
        second.execute(text("select 2"))


@app.get("/nested-in-vain")
def nested_in_vain(opened: Opened) -> None:
    opened.execute(text("select 1"))
    with engine.connect():
        engine.connect()


@app.get("/blocking")
async def blocking() -> None:
    with Session(engine) as opened:
        opened.execute(text("select 1"))
        opened.execute(text("select 2"))
        opened.commit()


@app.get("/engine-of-its-own")
def engine_of_its_own() -> None:
    mine = create_engine(URL)
    with mine.connect() as connection:
        connection.execute(text("select 1"))
    mine.dispose()


@app.get("/late")
def late(opened: CommittedAtTheEnd) -> None:
    opened.execute(text("select 1"))


@app.get("/late-and-lost")
def late_and_lost(opened: CommittedAtTheEnd) -> None:
    opened.execute(text("insert into pair values (1)"))


@app.get("/leaks")
def leaks() -> None:
    kept.append(engine.connect())


@app.get("/returns")
def returns() -> None:
    kept.pop().close()


@app.get("/uses-what-was-kept")
def uses_what_was_kept() -> None:
    kept[0].execute(text("select 1"))


@app.get("/stream")
def stream(opened: Opened) -> StreamingResponse:
    def rows() -> Iterator[str]:
        yield str(opened.execute(text("select 1")).scalar_one())
        go_on.wait(20)
        yield "end"

    return StreamingResponse(rows())


@app.get("/goes-on")
def goes_on() -> None:
    go_on.set()


@app.get("/fails")
def fails(opened: Opened, statement: str) -> None:
    opened.execute(text(statement))


@app.get("/holds")
def holds(opened: Opened, asleep_s: float, busy_s: float) -> None:
    opened.execute(text("select pg_sleep(:s)"), {"s": busy_s})
    time.sleep(asleep_s)


@app.get("/has")
def has() -> Any:
    return {"kept": len(kept)}
