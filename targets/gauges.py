"""The state of a pool: an engine's, counted by `targets.instrument`, or a driver's, by `targets.drivers`."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Literal, Protocol

from hdrh.histogram import HdrHistogram

from targets.contract import PoolStatus, Times, TimesTaken

_LOWEST_NS = 100
_HIGHEST_NS = 24 * 3_600_000_000_000
_SIGNIFICANT_FIGURES = 3


@dataclass(frozen=True, slots=True)
class PoolState:
    """The gauges at one moment.

    `checked_out` counts the places of the pool in use, those included where a connection is just being
    opened or tested; without a pool, the connections in use, until they are closed. `size` is 0 without a pool,
    and for one that keeps all connections ever opened; `limit` is None for both, and where overflow has none.
    `waiting` is the number of checkouts begun and not ended. Totals and the maximum run from the engine's
    start. `requests_total` counts the requests that asked for a connection at all, `checkouts_total` the
    connections given, in requests or outside, `statements_total` executions of cursors, and `pings_total`
    pre-pings, those included that found a connection lost.
    """

    size: int
    checked_in: int
    checked_out: int
    overflow: int
    limit: int | None
    waiting: int
    checked_out_max: int
    opened_total: int
    closed_total: int
    invalidated_total: int
    timed_out_total: int
    requests_total: int
    checkouts_total: int
    statements_total: int
    pings_total: int

    @property
    def status(self) -> PoolStatus:
        """`busy`: every connection that the pool keeps is out. `exhausted`: no other may be opened."""
        if self.limit is not None and self.checked_out >= self.limit:
            return "exhausted"
        return "busy" if self.size and self.checked_out >= self.size else "ok"


class PoolView(Protocol):
    """What gauges ask of a pool. Every answer comes from memory, at once, and in any thread."""

    @property
    def pooled(self) -> bool:
        """Whether it keeps connections and queues for them."""

    def size(self) -> int:
        """See `PoolState.size`, and so on."""

    def checked_in(self) -> int:
        """Connections that are open and in nobody's hands."""

    def checked_out(self) -> int | None:
        """Places in use; None where only whoever counts the connections knows."""

    def overflow(self) -> int:
        """Connections that it will not keep."""

    def limit(self) -> int | None:
        """The most connections that it may hold; None for no limit."""


class Gauges:
    """Counts of one pool, kept up while it works. `read` never waits for a connection."""

    def __init__(self, view: PoolView) -> None:
        self._view = view
        # Connections are taken and returned in many threads, and += is not atomic.
        self._lock = threading.Lock()
        self._held = _new_histogram()
        self._release = _new_histogram()
        self.waiting = 0
        self.leased = 0
        self.checked_out_max = 0
        self.opened = 0
        self.closed = 0
        self.invalidated = 0
        self.timed_out = 0
        self.requests = 0
        self.checkouts = 0
        self.statements = 0
        self.pings = 0

    @property
    def pooled(self) -> bool:
        """Whether there is a pool that keeps connections and queues for them."""
        return self._view.pooled

    def read(self) -> PoolState:
        """The pool as it stands. Cheap, and safe from any thread."""
        view, checked_out = self._view, self._checked_out()
        with self._lock:
            self.checked_out_max = max(self.checked_out_max, checked_out)
            return PoolState(
                size=view.size(),
                checked_in=view.checked_in(),
                checked_out=checked_out,
                overflow=view.overflow(),
                limit=view.limit(),
                waiting=self.waiting,
                checked_out_max=self.checked_out_max,
                opened_total=self.opened,
                closed_total=self.closed,
                invalidated_total=self.invalidated,
                timed_out_total=self.timed_out,
                requests_total=self.requests,
                checkouts_total=self.checkouts,
                statements_total=self.statements,
                pings_total=self.pings,
            )

    def take_times(self) -> TimesTaken:
        """How long connections were held and took to be returned since the last call. Takes about 2 ms."""
        held, release = self.take_histograms()
        return TimesTaken(held=_times(held), release=_times(release))

    def take_histograms(self) -> tuple[HdrHistogram, HdrHistogram]:
        """The same as counted: held and release, which begin anew."""
        held, release = _new_histogram(), _new_histogram()
        with self._lock:
            held, self._held = self._held, held
            release, self._release = self._release, release
        return held, release

    def add(self, name: Literal["opened", "closed", "invalidated", "timed_out", "statements", "pings"]) -> None:
        """Count one event."""
        with self._lock:
            setattr(self, name, getattr(self, name) + 1)

    def began_checkout(self, *, is_requests_first: bool) -> None:
        """A connection was asked for."""
        with self._lock:
            self.waiting += 1
            self.requests += is_requests_first

    def ended_checkout(self, taken: bool) -> None:
        """It was given, or refused."""
        with self._lock:
            self.waiting -= 1
            if not taken:
                return
            self.leased += 1
            self.checkouts += 1
        checked_out = self._checked_out()
        if checked_out > self.checked_out_max:
            with self._lock:
                self.checked_out_max = max(self.checked_out_max, checked_out)

    def ended_lease(self, held_ns: int, release_ns: int) -> None:
        """A connection is back (or was detached), held so long altogether, of which the release took so long."""
        with self._lock:
            self.leased -= 1
            self._held.record_value(held_ns)
            self._release.record_value(release_ns)

    def _checked_out(self) -> int:
        counted = self._view.checked_out()
        return self.leased if counted is None else counted


class JointGauges:
    """Of a service with several engines: everything summed, as one account of its connections.

    So a leak in either pool is seen, and what a request costs is counted whole; a request that needs both engines
    counts once. The status is that of the worst pool, which a sum would hide. `checked_out_max` sums what may have
    been at different moments: it is the most that can have been out at once. Which server has how many sessions is
    for PostgreSQL to say.
    """

    def __init__(self, *gauges: Gauges) -> None:
        self._gauges = gauges

    @property
    def pooled(self) -> bool:
        """Whether each engine has a pool that keeps connections."""
        return all(gauges.pooled for gauges in self._gauges)

    def read(self) -> JointState:
        """All pools as they stand. Cheap, and safe from any thread."""
        return JointState.of([gauges.read() for gauges in self._gauges])

    def take_times(self) -> TimesTaken:
        """How long connections of any pool were held and took to be returned since the last call."""
        held, release = _new_histogram(), _new_histogram()
        for gauges in self._gauges:
            more_held, more_release = gauges.take_histograms()
            held.add(more_held)
            release.add(more_release)
        return TimesTaken(held=_times(held), release=_times(release))


@dataclass(frozen=True, slots=True)
class JointState(PoolState):
    """The gauges of several pools at one moment, summed. `worst` is the worst status among them."""

    worst: PoolStatus

    @classmethod
    def of(cls, states: Sequence[PoolState]) -> JointState:
        """The sum. A limit is there where each has one."""
        totals = {
            field.name: sum(getattr(state, field.name) for state in states)
            for field in fields(PoolState)
            if field.name != "limit"
        }
        limits = [state.limit for state in states]
        limit = None if None in limits else sum(limit for limit in limits if limit is not None)
        return cls(**totals, limit=limit, worst=max((state.status for state in states), key=_BY_BADNESS.index))

    @property
    def status(self) -> PoolStatus:
        """That of the worst pool."""
        return self.worst


_BY_BADNESS: tuple[PoolStatus, ...] = ("ok", "busy", "exhausted")


def _new_histogram() -> HdrHistogram:
    """Of fixed size (200 kB), and not safe from several threads: the gauges' lock guards it."""
    return HdrHistogram(_LOWEST_NS, _HIGHEST_NS, _SIGNIFICANT_FIGURES)


def _times(histogram: HdrHistogram) -> Times:
    count = histogram.get_total_count()
    if not count:
        return Times(count=0, p50_ms=None, p90_ms=None, p99_ms=None, max_ms=None)
    p50_ns, p90_ns, p99_ns = histogram.get_percentile_to_value_dict([50, 90, 99]).values()
    return Times(
        count=count,
        p50_ms=p50_ns / 1e6,
        p90_ms=p90_ns / 1e6,
        p99_ms=p99_ns / 1e6,
        max_ms=histogram.max_value / 1e6,
    )
