"""Latencies added up exactly, and read as percentiles."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from itertools import accumulate
from operator import mul

from reports.histograms import (
    Counters,
    Segment,
    bounds_ns,
    count_up_to_ns,
    decode_counters,
    twice_middles_ns,
    value_range_ns,
)
from reports.summary import Latency

__all__ = ["Counters", "Distribution", "decode_counters", "merged", "value_range_ns"]

FEWEST_FOR_P90 = 10
FEWEST_FOR_P99 = 100
FEWEST_FOR_P999 = 1000
"""Below these numbers of requests the percentile would be the slowest request by another name."""


class Distribution:
    """Fold, then finish: `add` counts, then ask. Figures are in milliseconds, exact to three digits."""

    __slots__ = ("_few", "_many", "_packed", "total")

    def __init__(self, parts: Iterable[Counters] = ()) -> None:
        self._few: dict[int, int] = {}  # what came sparsely
        self._many: Segment | None = None  # what came densely
        self._packed: tuple[array[int], array[int]] | None = None  # what came sparsely, sorted, in less memory
        self.total = 0
        for part in parts:
            self.add(part)

    def add(self, counts: Counters, total: int | None = None) -> None:
        """Add the requests of one interval; `total`, where it is known, is how many they are."""
        if isinstance(counts, Segment):
            if self._many is None:
                self._many = counts.copy()
            else:
                self._many.add(counts)
            self.total += sum(counts.values) if total is None else total
        else:
            self._add_few(counts)
            self.total += sum(counts.values()) if total is None else total

    def _add_few(self, counts: Mapping[int, int]) -> None:
        if self._packed is not None:
            self._few, self._packed = dict(zip(*self._packed, strict=True)), None
        own = self._few
        if own:
            for index, count in counts.items():
                own[index] = own.get(index, 0) + count
        else:
            own.update(counts)

    def merge(self, other: Distribution) -> None:
        """Add all requests of another distribution."""
        if other._many is not None:
            self.add(other._many, 0)
        few = other._few if other._packed is None else dict(zip(*other._packed, strict=True))
        if few:
            self._add_few(few)
        self.total += other.total

    def pack(self) -> None:
        """Take less memory, until more is added."""
        if self._packed is None and self._settled() is None:
            self._packed = self._columns()
            self._few = {}

    def _settled(self) -> Segment | None:
        """All requests densely, or None where none came so."""
        if self._many is not None and (self._few or self._packed):
            self._many.add(Segment.of(*self._columns()))
            self._few, self._packed = {}, None
        return self._many

    def _columns(self) -> tuple[array[int], array[int]]:
        """What came sparsely: indexes of the counters in use, ascending, and what they hold."""
        if self._packed is not None:
            return self._packed
        indexes = sorted(self._few)
        return array("H", indexes), array("Q", map(self._few.__getitem__, indexes))

    def quantiles_ms(self, *per_mille: int) -> tuple[float | None, ...]:
        """Nearest-rank quantiles, per mille; None where there is no request.

        Rank ceil(q * n): no interpolation, so each figure is (to three digits) a latency that occurred.
        """
        if not self.total:
            return (None,) * len(per_mille)
        highest_ns = bounds_ns()[1]
        ranks = [max(-(-self.total * share // 1000), 1) for share in per_mille]
        dense = self._settled()
        if dense is not None:
            found = dense.indexes_of(ranks, self.total)
        else:
            indexes, counts = self._columns()
            seen = list(accumulate(counts))
            found = [indexes[bisect_left(seen, rank)] for rank in ranks]
        return tuple(highest_ns[index] / 1e6 for index in found)

    def mean_ms(self) -> float | None:
        """Mean over the middles of the counters; what is in the lowest one took no time worth naming."""
        if not self.total:
            return None
        twice_ns = twice_middles_ns()
        dense = self._settled()
        if dense is not None:
            sum_ns: int = sum(map(mul, dense.values, twice_ns[dense.first : dense.end]))
        else:
            indexes, counts = self._columns()
            sum_ns = sum(map(mul, counts, map(twice_ns.__getitem__, indexes)))
        return sum_ns / 2 / self.total / 1e6

    def count_up_to_ns(self, limit_ns: int) -> int:
        """How many requests surely took no longer than `limit_ns`."""
        dense = self._settled()
        return count_up_to_ns(dict(zip(*self._columns(), strict=True)) if dense is None else dense, limit_ns)

    def latency(self) -> Latency:
        """The figures, without those percentiles for which there are too few requests."""
        p50_ms, p90_ms, p99_ms, p999_ms, max_ms = self.quantiles_ms(500, 900, 990, 999, 1000)
        return Latency(
            count=self.total,
            p50_ms=p50_ms,
            p90_ms=p90_ms if self.total >= FEWEST_FOR_P90 else None,
            p99_ms=p99_ms if self.total >= FEWEST_FOR_P99 else None,
            p999_ms=p999_ms if self.total >= FEWEST_FOR_P999 else None,
            max_ms=max_ms,
            mean_ms=self.mean_ms(),
        )


def merged(parts: Iterable[Distribution]) -> Distribution:
    """All requests of several distributions as one."""
    whole = Distribution()
    for part in parts:
        whole.merge(part)
    return whole
