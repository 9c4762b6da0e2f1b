"""Counts of the probe under the names that OpenTelemetry's semantic conventions give them.

Source of names, kinds and units: OpenTelemetry Semantic Conventions, "Database client metrics", connection pools.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Literal

from harness.inside.launch import PATH

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.ext.asyncio import AsyncEngine

PREFIX = "db.client.connection"
POOL_NAME = f"{PREFIX}.pool.name"
STATE = f"{PREFIX}.state"
BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds of the histograms' buckets; what takes longer is in one bucket more."""


@dataclass(frozen=True)
class Histogram:
    """How often something took how long: `counts` by bucket, and their `total`; `sum_s` of all."""

    bounds_s: tuple[float, ...]
    counts: tuple[int, ...]
    total: int
    sum_s: float


@dataclass(frozen=True)
class Point:
    """One metric of a pool at this moment. `unit` is UCUM's, as OpenTelemetry writes it."""

    name: str
    kind: Literal["updowncounter", "counter", "histogram"]
    unit: str
    attributes: Mapping[str, str]
    value: int | Histogram


def instrument(engine: Engine | AsyncEngine, name: str | None = None) -> Metrics:
    """Count what the pools of this process do from now on, and tell it under the pool's `name`.

    By default that is `host:port/database`. Call it once, where the engine is made. All engines of the process are
    counted together, as one pool.
    """
    if "poolstorm_probe" not in sys.modules:
        sys.path.insert(0, str(PATH))
        try:
            import poolstorm_probe.hooks  # all of it, while it can be found
        finally:
            sys.path.remove(str(PATH))
    import poolstorm_probe
    from poolstorm_probe import layout
    from poolstorm_probe.counts import COUNTS

    poolstorm_probe.listen()
    url = engine.url
    usual = f"{url.host or 'local'}{'' if url.port is None else f':{url.port}'}/{url.database or ''}"
    return Metrics(name or usual, COUNTS.snapshot, layout)


class Metrics:
    """What `instrument` returns: reads the counts when it is asked. Safe from any thread."""

    def __init__(self, name: str, numbers: Callable[[], Sequence[int]], layout: ModuleType) -> None:
        """The numbers stand as the probe's `layout` has them."""
        self._name, self._numbers, self._layout = name, numbers, layout

    def points(self) -> tuple[Point, ...]:
        """Every metric of `db.client.connection`; `max` only where the pool has a limit."""
        return tuple(self._points(self._numbers()))

    def exposition(self) -> str:
        """The same in Prometheus' text format (0.0.4), under names as its conventions have them."""
        return "".join(_exposed(self.points()))

    def _points(self, numbers: Sequence[int]) -> Iterator[Point]:
        pool = {POOL_NAME: self._name}

        def gauge(name: str, value: int, unit: str = "{connection}", **more: str) -> Point:
            return Point(f"{PREFIX}.{name}", "updowncounter", unit, {**pool, **more}, value)

        now = {name: numbers[at] for name, at in self._layout.AT.items()}
        yield gauge("count", now["OUT"], **{STATE: "used"})
        yield gauge("count", max(0, now["OPEN"] - now["OUT"]), **{STATE: "idle"})
        yield gauge("idle.max", now["SIZE"])
        yield gauge("idle.min", 0)
        if now["LIMIT"] >= 0:
            yield gauge("max", now["LIMIT"])
        yield gauge("pending_requests", now["WAITING"], "{request}")
        yield Point(f"{PREFIX}.timeouts", "counter", "{timeout}", pool, now["TIMED_OUT"])
        for name, of in (("create_time", "connect"), ("wait_time", "acquire"), ("use_time", "held")):
            at = self._layout.TIMES_AT[of]
            found = self._histogram(numbers[at : at + self._layout.BINS], numbers[self._layout.SUMS_AT[of]] / 1e9)
            yield Point(f"{PREFIX}.{name}", "histogram", "s", pool, found)

    def _histogram(self, bins: Sequence[int], sum_s: float) -> Histogram:
        counts = [0] * (len(BOUNDS_S) + 1)
        for number, count in enumerate(bins):
            if count:
                middle_s = sum(self._layout.bounds_ns(number)) / 2e9
                counts[next((at for at, bound in enumerate(BOUNDS_S) if middle_s <= bound), len(BOUNDS_S))] += (
                    count
                )
        return Histogram(BOUNDS_S, tuple(counts), sum(counts), sum_s)


def _exposed(points: Sequence[Point]) -> Iterator[str]:
    told: set[str] = set()
    for point in points:
        name = point.name.replace(".", "_")
        name += {"counter": "_total", "histogram": "_seconds"}.get(point.kind, "")
        if name not in told:
            told.add(name)
            kind = "gauge" if point.kind == "updowncounter" else point.kind
            yield f"# TYPE {name} {kind}\n"
        if isinstance(point.value, Histogram):
            yield from _exposed_histogram(name, point.attributes, point.value)
        else:
            yield f"{name}{_labels(point.attributes)} {point.value}\n"


def _exposed_histogram(name: str, attributes: Mapping[str, str], value: Histogram) -> Iterator[str]:
    below = 0
    for bound_s, count in zip((*value.bounds_s, float("inf")), value.counts, strict=True):
        below += count
        edge = "+Inf" if bound_s == float("inf") else f"{bound_s:g}"
        yield f"{name}_bucket{_labels({**attributes, 'le': edge})} {below}\n"
    yield f"{name}_sum{_labels(attributes)} {value.sum_s:.6f}\n"
    yield f"{name}_count{_labels(attributes)} {value.total}\n"


def _labels(attributes: Mapping[str, str]) -> str:
    told = (
        f'{name.replace(".", "_")}="{value}"'
        for name, value in ((name, _escaped(value)) for name, value in attributes.items())
    )
    return f"{{{','.join(told)}}}"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
