"""What is read of the probe in an app: its pools as a target would tell them, and what only a probe sees."""

from __future__ import annotations

import time
from collections.abc import Mapping

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
    )


def _age_ms(now: Inside, read_ns: int) -> float | None:
    return None if now.oldest_since_ns is None else round(max(0, read_ns - now.oldest_since_ns) / 1e6, 3)


class ProbedTimes:
    """How long everything took since the last time that this was asked for."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._before: Mapping[str, tuple[int, ...]] = {}

    def take(self, phase: str) -> tuple[TimesReading, ...]:
        """One reading of each kind; nothing of what never happened."""
        now = self._channel.read(with_times=True).times
        taken = []
        for of in TIMES:
            before = self._before.get(of, (0,) * len(now[of]))
            counts = [max(0, after - earlier) for after, earlier in zip(now[of], before, strict=True)]
            taken.append(times_reading(phase, of, counts))
        self._before = now
        return tuple(reading for reading in taken if reading.count)

    def close(self) -> None:
        """The channel is the stage's."""


def times_reading(phase: str, of: str, counts: list[int]) -> TimesReading:
    """Of binned durations."""
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
        }
    )
