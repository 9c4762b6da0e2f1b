"""psycopg's own pool (psycopg_pool's AsyncConnectionPool), with the gauges of the other targets.

What it has of a pool's settings: `pool_size` is its `min_size` and `pool_size + max_overflow` its `max_size`;
`pool_recycle_s` is its `max_lifetime`, up to a twentieth less for each connection, and heeded when one comes
back; `pre_ping` is its `check`. It has no overflow: what it opened above `min_size` it keeps until that has been
unused for ten minutes. It takes the connection that has been back the longest, and cannot be without a limit.

Workers open all connections, one after the other where the pool grows. So no request ever connects: it waits,
and its timeout bounds that, too. While the database is away a request waits until its timeout, and what is
raised then is what the workers met. They try again after 1, 2, 4 seconds and so on, up to five minutes. The same
pauses lie between the checks of one request: after its second lost connection it waits for a second, then two,
then four.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any, Self

import psycopg
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from targets.drivers.observed import BoundedPool, Observer, current_acquisition
from targets.problems import PoolExhaustedError
from targets.settings import DatabaseUrl, PoolSettings

DRIVER_ERRORS = (psycopg.OperationalError, psycopg.InterfaceError)
"""What psycopg raises where a connection is gone or was not to be had; its other errors speak of the statement."""
OPENING_PATIENCE_S = 5.0
CLOSING_PATIENCE_S = 2.0
PLACE_PATIENCE_S = 30.0
"""For a connection to be opened in a free place, where a request is not to wait for another's."""

Row = dict[str, Any]


class _Observer(Observer):
    """Remembers what opening a connection last met, until one opens."""

    failure: psycopg.Error | None = None


class Cursor(psycopg.AsyncCursor[Row]):
    """psycopg's, which tells an observer of its statements, and not of a check."""

    async def execute(self, query: Any, params: Any = None, **options: Any) -> Self:
        """Timed."""
        connection = self.connection
        assert isinstance(connection, Connection)
        if connection.being_checked:
            return await super().execute(query, params, **options)
        with connection.observer.statement(str(query)):
            return await super().execute(query, params, **options)


class Connection(psycopg.AsyncConnection[Row]):
    """psycopg's, which tells an observer when it opens and when it ends."""

    observer: _Observer
    being_checked = False

    @classmethod
    async def connect(cls, conninfo: str = "", *, observer: _Observer, **options: Any) -> Self:  # type: ignore[override]
        """Counted."""
        try:
            with observer.connecting():
                connection = await super().connect(conninfo, **options)
        except psycopg.Error as error:
            observer.failure = error
            raise
        observer.failure = None
        connection.observer = observer
        observer.gauges.add("opened")
        return connection

    async def close(self) -> None:
        """Counted, if it was open."""
        if not self.closed:
            self.observer.gauges.add("closed")
        await super().close()

    def count_if_lost(self) -> None:
        """To be asked once when it may be: the pool drops a lost connection without closing it."""
        if self.broken:
            self.observer.gauges.add("closed")
            self.observer.gauges.add("invalidated")


class ObservedPool(BoundedPool):
    """A pool that opens in the background, so that a service starts while its database is away."""

    _observer: _Observer

    def __init__(self, database: DatabaseUrl, settings: PoolSettings) -> None:
        super().__init__(settings, _Observer(settings.slow_query_ms))
        self._pool = AsyncConnectionPool(
            database.libpq(),
            connection_class=Connection,
            kwargs={
                "observer": self._observer,
                "row_factory": dict_row,
                "cursor_factory": Cursor,
                **settings.psycopg_connect_args(),
            },
            min_size=settings.pool_size,
            max_size=self._limit,
            check=self._check if settings.pre_ping else None,
            max_lifetime=settings.pool_recycle_s if settings.pool_recycle_s >= 0 else math.inf,
            open=False,
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Open for the time of a service's life. Waits for the first connections, but not for long."""
        await self._pool.open()
        try:
            ends_at_s = monotonic() + OPENING_PATIENCE_S
            while self.checked_in() < self.size() and not self._observer.failure and monotonic() < ends_at_s:
                await asyncio.sleep(0.01)
            yield
        finally:
            await self._pool.close(CLOSING_PATIENCE_S)

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[Connection]:
        """A connection, which goes back at the end of the block; what is not committed by then is rolled back.

        Raises PoolExhaustedError where none became free in time, and one of `DRIVER_ERRORS` where none could be
        opened.
        """
        with self._observer.acquiring() as acquisition:
            connection = await self._take()
        try:
            yield connection
        finally:
            with self._observer.giving_back(acquisition, psycopg.Error):
                try:
                    if not connection.closed:
                        await connection.rollback()
                finally:
                    connection.count_if_lost()
                    await self._pool.putconn(connection)

    async def _take(self) -> Connection:
        timeout_s = self._settings.pool_timeout_s
        if timeout_s == 0:  # to psycopg_pool that is a time which has passed already, whatever is free
            if self._observer.places >= self._limit:
                raise PoolExhaustedError
            timeout_s = PLACE_PATIENCE_S
        try:
            return await self._pool.getconn(timeout_s)
        except PoolTimeout as error:
            if self.gauges.leased >= self._limit:
                raise PoolExhaustedError from error
            raise self._observer.failure or error from None

    async def _check(self, connection: Connection) -> None:
        acquisition = current_acquisition()
        if acquisition is not None:
            self._observer.placed(acquisition)
        connection.being_checked = True
        try:
            with self._observer.pinging():
                await AsyncConnectionPool.check_connection(connection)
        except BaseException:
            connection.count_if_lost()
            raise
        finally:
            connection.being_checked = False

    # --- what the gauges ask ---------------------------------------------------------------------------------

    def checked_in(self) -> int:
        """Those that are open and in nobody's hands."""
        return self._pool.get_stats()["pool_available"]
