"""A dependency that gives its connection back only where nothing went wrong, and the same with `finally`."""

import os
from collections.abc import Callable, Iterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException
from psycopg import Connection
from psycopg_pool import ConnectionPool

Dependency = Callable[[ConnectionPool], Callable[[], Iterator[Connection[Any]]]]


def app_with(dependency: Dependency) -> FastAPI:
    """The app; only how a connection goes back differs."""
    pool = ConnectionPool(os.environ["DATABASE_URL"], min_size=8, max_size=8, timeout=1.0, open=False)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> Any:
        pool.open(wait=True)
        yield
        pool.close(timeout=1)

    app = FastAPI(lifespan=lifespan)
    get_connection = dependency(pool)

    @app.get("/items/{item_id}")
    def item(item_id: int, connection: Annotated[Connection[Any], Depends(get_connection)]) -> dict[str, Any]:
        row = connection.execute("SELECT id, name FROM items WHERE id = %s", (item_id,)).fetchone()
        if row is None:
            raise HTTPException(404)
        return {"id": row[0], "name": row[1]}

    return app


def broken() -> FastAPI:
    """An exception leaves the generator at its `yield`, and nothing after it is run."""

    def dependency(pool: ConnectionPool) -> Callable[[], Iterator[Connection[Any]]]:
        def get_connection() -> Iterator[Connection[Any]]:
            connection = pool.getconn()
            yield connection
            pool.putconn(connection)

        return get_connection

    return app_with(dependency)


def cured() -> FastAPI:
    """It goes back whatever happens."""

    def dependency(pool: ConnectionPool) -> Callable[[], Iterator[Connection[Any]]]:
        def get_connection() -> Iterator[Connection[Any]]:
            connection = pool.getconn()
            try:
                yield connection
            finally:
                pool.putconn(connection)

        return get_connection

    return app_with(dependency)
