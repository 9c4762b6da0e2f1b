"""What is read of the probe in an app: its pools as a target would tell them, and what only a probe sees."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from harness.inside.channel import TIMES, Channel, Inside, quantiles_ms
from harness.records import InsideReading, PoolReading, TimesReading
from harness.sampling.gauges import NOT_STAMPED, UnreadableError

_POOL = {
    "size": "SIZE",
    "checked_out": "OUT",
    "overflow": "OVERFLOW",
    "waiting": "WAITING",
    "checked_out_max": "OUT_MAX",
    "opened_total": "OPENED",
    "closed_total": "CLOSED",
    "invalidated_total": "INVALIDATED",
    "timed_out_total": "TIMED_OUT",
    "requests_total": "REQUESTS",
    "checkouts_total": "CHECKOUTS",
    "statements_total": "STATEMENTS",
    "pings_total": "PINGS",
}
_POOLS = {"sqlalchemy", "asyncpg", "psycopg_pool"}
_OF_POOLS = {
    "pools": "POOLS",
    "pools_made": "POOLS_MADE",
    "nested_waits": "NESTED_WAITS",
    "nested": "NESTED",
    "in_loop": "IN_LOOP",
    "commits_failed": "COMMITS_FAILED",
    "cancelled_out": "CANCELLED_OUT",
}
_DURATIONS = {"in_loop_ms": "IN_LOOP_NS", "idle_ms_total": "IDLE_NS", "query_ms_total": "BUSY_NS"}
_OF_LIBRARY = {
    "asyncpg": {"introspections": "INTROSPECTIONS", "resets": "RESETS"},
    "starlette": {
        "engines_in_request": "POOLS_MADE_IN_REQUEST",
        "shared": "SHARED",
        "commits_late": "COMMITS_LATE",
        "commits_failed_late": "COMMITS_FAILED_LATE",
        "streaming": "STREAMING",
        "out_after_response": "OUT_AFTER_RESPONSE",
        "abandoned": "ABANDONED",
        "abandoned_total": "ABANDONED_EVER",
        "work_for_nobody": "WORK_FOR_NOBODY",
    },
}
"""Those that need a request to be known are there where Starlette is."""


class ProbedPoolGauge:
    """All pools of all processes, as one account."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def read(self) -> PoolReading:
        """From memory that the processes share with us; they may be frozen."""
        return pool_reading(self._channel.read())

    def close(self) -> None:
        """The channel is the stage's."""


def pool_reading(now: Inside) -> PoolReading:
    """The same as a reading of a target's own account. Raises UnreadableError where no process is left to tell."""
    if not now.processes:
        raise UnreadableError("no process of the app tells of its pools")
    fields = {field: now[name] for field, name in _POOL.items()}
    return PoolReading(t_ns=NOT_STAMPED, limit=now.limit, checked_in=max(0, now["OPEN"] - now["OUT"]), **fields)


class InsideGauge:
    """Event loops, threads, and the connection that has been out the longest."""

    def __init__(self, channel: Channel) -> None:
        self._channel, self._since_ns = channel, time.monotonic_ns()

    def read(self) -> InsideReading:
        """Lags since the last reading."""
        read_ns = time.monotonic_ns()
        now = self._channel.read(self._since_ns)
        self._since_ns = read_ns
        return inside_reading(now, read_ns)

    def close(self) -> None:
        """The channel is the stage's."""


def inside_reading(now: Inside, read_ns: int) -> InsideReading:
    """At a moment of the monotonic clock. Raises UnreadableError where no process is left to tell."""
    if not now.processes:
        raise UnreadableError("no process of the app tells of itself")
    threads = "anyio" in now.libraries and now["TOKENS"] > 0
    return InsideReading(
        t_ns=NOT_STAMPED,
        processes=now.processes,
        lag_max_ms=None if now.lag_max_ns is None else round(now.lag_max_ns / 1e6, 3),
        oldest_ms=_age_ms(now, read_ns),
        oldest_place=now.oldest_place,
        tokens=now["TOKENS"] if threads else None,
        borrowed=now["BORROWED"] if threads else None,
        threads_waited_for=now["THREADS_WAITING"] if threads else None,
        **_mechanisms(now),
    )


def _mechanisms(now: Inside) -> dict[str, Any]:
    """What is known of those libraries that are listened to."""
    if not now.libraries & _POOLS:
        return {}
    known: dict[str, float] = {field: now[name] for field, name in _OF_POOLS.items()}
    known |= {field: _ms(now[name]) for field, name in _DURATIONS.items()}
    for library, of_library in _OF_LIBRARY.items():
        if library in now.libraries:
            known |= {field: now[name] for field, name in of_library.items()}
    return {**known, "errors": now.errors}


def _ms(duration_ns: int) -> float:
    return round(duration_ns / 1e6, 3)


def _age_ms(now: Inside, read_ns: int) -> float | None:
    return None if now.oldest_since_ns is None else round(max(0, read_ns - now.oldest_since_ns) / 1e6, 3)


class ProbedTimes:
    """How long everything took since the last time that this was asked for."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._before: Mapping[str, tuple[int, ...]] = {}
        self._sums_before: Mapping[str, int] = dict.fromkeys(TIMES, 0)

    def take(self, phase: str) -> tuple[TimesReading, ...]:
        """One reading of each kind; nothing of what never happened."""
        read = self._channel.read(with_times=True)
        now = read.times
        taken = []
        for of in TIMES:
            before = self._before.get(of, (0,) * len(now[of]))
            counts = [max(0, after - earlier) for after, earlier in zip(now[of], before, strict=True)]
            sum_ns = max(0, read.sums_ns[of] - self._sums_before[of])
            taken.append(times_reading(phase, of, counts, sum_ns))
        self._before, self._sums_before = now, read.sums_ns
        return tuple(reading for reading in taken if reading.count)

    def close(self) -> None:
        """The channel is the stage's."""


def times_reading(phase: str, of: str, counts: list[int], sum_ns: int) -> TimesReading:
    """Of binned durations, and their sum."""
    p50_ms, p90_ms, p99_ms, max_ms = quantiles_ms(counts, (0.5, 0.9, 0.99, 1.0))
    return TimesReading.model_validate(
        {
            "t_ns": NOT_STAMPED,
            "phase": phase,
            "of": of,
            "count": sum(counts),
            "p50_ms": p50_ms,
            "p90_ms": p90_ms,
            "p99_ms": p99_ms,
            "max_ms": max_ms,
            "sum_ms": _ms(sum_ns),
        }
    )
