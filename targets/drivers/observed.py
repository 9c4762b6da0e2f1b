"""What a driver's own pool does, counted as `targets.instrument` counts what SQLAlchemy's does.

A pool module has one `Observer` and calls it from the driver's hooks: `acquiring` around the whole way to a
connection, `connecting` and `pinging` around those parts of it, `statement` around each execution, and
`giving_back` around the way back.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import perf_counter_ns

from targets.gauges import Gauges
from targets.instrument import slow_query_logger
from targets.problems import PoolExhaustedError
from targets.settings import PoolSettings
from targets.timing import current_request

logger = logging.getLogger("poolstorm.target")


class Acquisition:
    """One way to a connection. `placed` once it has a place of the pool, which is then opened, tested or ready."""

    __slots__ = ("ended", "out_since_ns", "placed")

    def __init__(self) -> None:
        self.placed = False
        self.ended = False
        self.out_since_ns = 0


_current: ContextVar[Acquisition | None] = ContextVar("poolstorm_acquisition", default=None)


class Observer:
    """Keeps the gauges of one pool on one event loop, and the times of the requests that use it."""

    def __init__(self, slow_query_ms: float) -> None:
        self._slow_query_ns = slow_query_ms * 1e6
        self.gauges: Gauges
        self.places = 0
        """Places of the pool in use, as far as `placed` has been told."""

    @contextmanager
    def acquiring(self) -> Iterator[Acquisition]:
        """Around asking for a connection until it is there, or refused."""
        timings = current_request.get()
        self.gauges.began_checkout(is_requests_first=timings is not None and not timings.checkouts)
        if timings is not None:
            timings.checkouts += 1
        acquisition = Acquisition()
        token = _current.set(acquisition)
        began_ns = perf_counter_ns()
        taken = False
        try:
            yield acquisition
            taken = True
        except PoolExhaustedError:
            self.gauges.add("timed_out")
            raise
        finally:
            _current.reset(token)
            acquisition.ended = True
            if taken:
                self.placed(acquisition)
            elif acquisition.placed:
                self.places -= 1
            self.gauges.ended_checkout(taken)
            acquisition.out_since_ns = perf_counter_ns()
            if timings is not None:
                timings.acquire_ns += acquisition.out_since_ns - began_ns

    def placed(self, acquisition: Acquisition) -> None:
        """It has a place. May be told more than once."""
        if not acquisition.placed:
            acquisition.placed = True
            self.places += 1

    @contextmanager
    def connecting(self) -> Iterator[None]:
        """Around opening a connection: for whoever is on the way to one, or by the pool of its own accord.

        Either way it takes a place; the pool's own goes when the connection is there for anybody.
        """
        acquisition = current_acquisition()
        if acquisition is not None:
            self.placed(acquisition)
            with self.waiting_for_connects():
                yield
            return
        self.places += 1
        try:
            yield
        finally:
            self.places -= 1

    @contextmanager
    def waiting_for_connects(self) -> Iterator[None]:
        """Around that part of a request's way to a connection in which one is opened."""
        began_ns = perf_counter_ns()
        try:
            yield
        finally:
            timings = current_request.get()
            if timings is not None:
                timings.connect_ns += perf_counter_ns() - began_ns

    @contextmanager
    def pinging(self) -> Iterator[None]:
        """Around testing a pooled connection."""
        began_ns = perf_counter_ns()
        try:
            yield
        finally:
            self.gauges.add("pings")
            timings = current_request.get()
            if timings is not None:
                timings.ping_ns += perf_counter_ns() - began_ns

    @contextmanager
    def statement(self, text: str) -> Iterator[None]:
        """Around one execution, whether it succeeds or not."""
        began_ns = perf_counter_ns()
        try:
            yield
        finally:
            duration_ns = perf_counter_ns() - began_ns
            self.gauges.add("statements")
            timings = current_request.get()
            if timings is not None:
                timings.query_ns += duration_ns
            if duration_ns > self._slow_query_ns:
                slow_query_logger.warning("%.1f ms: %s", duration_ns / 1e6, " ".join(text.split()))

    @contextmanager
    def giving_back(self, acquisition: Acquisition, *lost: type[Exception]) -> Iterator[None]:
        """Around giving a connection back, which cannot fail because it is gone: `lost` says so.

        What was to be kept has been committed by then, and an error here would take its answer's place.
        """
        began_ns = perf_counter_ns()
        try:
            yield
        except lost as error:
            logger.warning("a connection was found lost when it was given back (%s)", type(error).__name__)
        finally:
            ended_ns = perf_counter_ns()
            self.places -= 1
            self.gauges.ended_lease(ended_ns - acquisition.out_since_ns, ended_ns - began_ns)


class BoundedPool:
    """What gauges ask of a driver's own pool, which keeps `pool_size` connections and has `max_overflow` more."""

    def __init__(self, settings: PoolSettings, observer: Observer) -> None:
        assert settings.limit is not None
        self._settings = settings
        self._limit = settings.limit
        self._observer = observer
        self.gauges = observer.gauges = Gauges(self)

    @property
    def pooled(self) -> bool:
        """It is a pool."""
        return True

    def size(self) -> int:
        """What it keeps open."""
        return self._settings.pool_size

    def checked_in(self) -> int:
        """Those that are open and in nobody's hands."""
        raise NotImplementedError

    def checked_out(self) -> int | None:
        """Places in use, those included in which a connection is just being opened.

        Who waits has the place of who gives it back before that one is told so.
        """
        return min(self._observer.places, self._limit)

    def overflow(self) -> int:
        """None: it closes nothing because it comes back."""
        return 0

    def limit(self) -> int | None:
        """Its `max_size`."""
        return self._limit


def current_acquisition() -> Acquisition | None:
    """That of the running task. A connection's callbacks run in the context that opened it: None for those."""
    acquisition = _current.get()
    return None if acquisition is None or acquisition.ended else acquisition
