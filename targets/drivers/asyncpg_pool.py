"""asyncpg's own pool, with the gauges of the other targets.

What it has of a pool's settings: `pool_size` is its `min_size`, which it opens at the start and restores in the
background, and `pool_size + max_overflow` its `max_size`. It has no overflow: what it opened above `min_size` it
keeps until that has been idle for five minutes. It has no age at which it replaces a connection (but does so after
50 000 queries) and no test before it hands one out (but never hands out one that it knows is closed), and takes
the one returned last. It cannot be without a limit. Its timeout bounds waiting for a place together with opening a
connection.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from targets.drivers.observed import Acquisition, BoundedPool, Observer, current_acquisition
from targets.problems import PoolExhaustedError
from targets.settings import DatabaseUrl, PoolSettings

logger = logging.getLogger("poolstorm.target")

DRIVER_ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""What asyncpg raises beside OSError. An InternalClientError is what a statement meets on a connection of which
asyncpg has read PostgreSQL's last word, but not the end yet."""
OPENING_PATIENCE_S = 5.0
CLOSING_PATIENCE_S = 2.0
_TRANSACTION_CONTROL = ("BEGIN", "COMMIT", "ROLLBACK")


class Connection(asyncpg.Connection):  # type: ignore[misc]
    """asyncpg's, which tells an observer of its statements, and knows whether it was closed or lost."""

    observer: Observer
    resetting = False
    found_lost = False
    closed_by_us = False

    async def execute(self, query: str, *args: Any, **options: Any) -> Any:
        """What asyncpg sends by this way of its own accord is no statement of the service's."""
        if self.resetting or query.startswith(_TRANSACTION_CONTROL):
            return await super().execute(query, *args, **options)
        with self.observer.statement(query):
            return await super().execute(query, *args, **options)

    async def fetch(self, query: str, *args: Any, **options: Any) -> Any:
        """Timed."""
        with self.observer.statement(query):
            return await super().fetch(query, *args, **options)

    async def fetchrow(self, query: str, *args: Any, **options: Any) -> Any:
        """Timed."""
        with self.observer.statement(query):
            return await super().fetchrow(query, *args, **options)

    async def reset(self, **options: Any) -> None:
        """What the pool asks of a connection that comes back: a round trip."""
        self.resetting = self.found_lost = True
        await super().reset(**options)
        self.resetting = self.found_lost = False

    async def close(self, **options: Any) -> None:
        """By us, unless it was gone already."""
        self.closed_by_us = not (self.is_closed() or self.found_lost)
        await super().close(**options)

    def terminate(self) -> None:
        """Likewise."""
        self.closed_by_us = not (self.is_closed() or self.found_lost)
        super().terminate()


class ObservedPool(BoundedPool):
    """A pool that opens in the background, so that a service starts while its database is away."""

    def __init__(self, database: DatabaseUrl, settings: PoolSettings) -> None:
        super().__init__(settings, Observer(settings.slow_query_ms))
        self._database = database
        self._pool: asyncpg.Pool | None = None
        self._opening: asyncio.Task[asyncpg.Pool] | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Open for the time of a service's life. Waits for the first connections, but not for long."""
        await asyncio.wait([self._begin_to_open()], timeout=OPENING_PATIENCE_S)
        try:
            yield
        finally:
            if self._opening is not None:
                self._opening.cancel()
            if self._pool is not None:
                with suppress(TimeoutError):  # it has ended its connections by then, given back or not
                    await asyncio.wait_for(self._pool.close(), CLOSING_PATIENCE_S)

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[PoolConnectionProxy]:
        """A connection, which goes back at the end of the block.

        Raises PoolExhaustedError where none became free in time, and OSError or one of `DRIVER_ERRORS` where none
        could be opened.
        """
        with self._observer.acquiring() as acquisition:
            pool = await self._opened()
            connection = await self._take(pool, acquisition)
        try:
            yield connection
        finally:
            with self._observer.giving_back(acquisition, OSError, *DRIVER_ERRORS):
                await pool.release(connection)

    async def _take(self, pool: asyncpg.Pool, acquisition: Acquisition) -> PoolConnectionProxy:
        timeout_s = self._settings.pool_timeout_s
        # To asyncpg a timeout of 0 is one that has passed already, whatever is free.
        if timeout_s == 0 and self._observer.places >= self._limit:
            raise PoolExhaustedError
        try:
            return await pool.acquire(timeout=timeout_s or None)
        except TimeoutError as error:
            if acquisition.placed:  # it was a connection that did not open in time
                raise
            raise PoolExhaustedError from error

    # --- opening ---------------------------------------------------------------------------------------------

    async def _opened(self) -> asyncpg.Pool:
        """The pool; opens it where nobody has been able to yet. All who wait share one attempt."""
        if self._pool is not None:
            return self._pool
        with self._observer.waiting_for_connects():
            return await asyncio.wait_for(
                asyncio.shield(self._begin_to_open()), self._settings.pool_timeout_s or None
            )

    def _begin_to_open(self) -> asyncio.Task[asyncpg.Pool]:
        if self._opening is None or (self._opening.done() and self._pool is None):
            # In a context of its own: what it opens is for no request alone.
            self._opening = asyncio.create_task(self._open(), context=contextvars.Context())
            self._opening.add_done_callback(_say_what_failed)
        return self._opening

    async def _open(self) -> asyncpg.Pool:
        self._pool = await asyncpg.create_pool(
            self._database.libpq(),
            min_size=self._settings.pool_size,
            max_size=self._limit,
            connect=self._connect,
            setup=self._set_up,
            connection_class=Connection,
            **self._settings.asyncpg_connect_args(),
        )
        return self._pool

    async def _connect(self, *args: Any, **options: Any) -> Connection:
        with self._observer.connecting():
            connection: Connection = await asyncpg.connect(*args, **options)
        connection.observer = self._observer
        connection.add_termination_listener(lambda _: self._on_end(connection))  # it may get a proxy that is void
        self.gauges.add("opened")
        return connection

    async def _set_up(self, _: PoolConnectionProxy) -> None:
        """asyncpg calls this once a connection has been chosen for somebody."""
        acquisition = current_acquisition()
        if acquisition is not None:
            self._observer.placed(acquisition)

    def _on_end(self, connection: Connection) -> None:
        self.gauges.add("closed")
        if not connection.closed_by_us:
            self.gauges.add("invalidated")

    # --- what the gauges ask ---------------------------------------------------------------------------------

    def checked_in(self) -> int:
        """Those that are open and in nobody's hands."""
        return self._pool.get_idle_size() if self._pool is not None else 0


def _say_what_failed(opening: asyncio.Task[asyncpg.Pool]) -> None:
    if not opening.cancelled() and (error := opening.exception()):
        logger.warning("the pool could not be opened (%s)", type(error).__name__)
