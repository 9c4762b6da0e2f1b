"""Counters of latencies as they are recorded: decoded in bulk, few of them sparsely and many of them densely.

A histogram of an interval of 100 ms often holds a handful of requests in an array of 24,576 counters. Decoded
into a dictionary of the counters that are not zero it takes a few microseconds, a small part of what the general
decoder needs, and adding two up costs as much as they hold. Under a heavy load it holds hundreds: then the
counters from the first to the last in use stay an array, and C code decodes it and adds it up. The wire form is
HdrHistogram's V2: base64, an 8-byte header, zlib, a 40-byte header, then the counters as zigzag LEB128 numbers,
where a negative one is a run of that many zeros.
"""

from __future__ import annotations

import base64
import ctypes
import struct
import zlib
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import accumulate, compress
from operator import add

from hdrh.codec import add_array, decode

from harness.records import HIGHEST_NS, LOWEST_NS, SIGNIFICANT_FIGURES

_OUTER = struct.Struct(">II")  # cookie, length of what follows
_INNER = struct.Struct(">IIIIQQd")  # cookie, length, offset, figures, lowest, highest, ratio
_OUTER_COOKIE = 0x1C849314
_INNER_COOKIE = 0x1C849313
_LONGEST_BYTES = 9  # of one number; the ninth byte holds eight bits

_UNIT_MAGNITUDE = LOWEST_NS.bit_length() - 1
_HALF_MAGNITUDE = (2 * 10**SIGNIFICANT_FIGURES - 1).bit_length() - 1
_HALF_COUNT = 1 << _HALF_MAGNITUDE
_COUNTERS = (HIGHEST_NS.bit_length() - _UNIT_MAGNITUDE - _HALF_MAGNITUDE + 1) * _HALF_COUNT

_MOST_BYTES = _INNER.size + _LONGEST_BYTES * _COUNTERS

FEWEST_DENSE_BYTES = 64
"""A histogram whose counters take more bytes than this is kept densely."""
_WORD_BYTES = 8
_BLOCK = 256  # counters


class Segment:
    """Counters from index `first` up to, and not with, `end`; its `items` are those of a mapping."""

    __slots__ = ("first", "values")

    def __init__(self, first: int, values: array[int]) -> None:
        self.first = first
        self.values = values

    @classmethod
    def of(cls, indexes: Sequence[int], counts: Sequence[int]) -> Segment:
        """From ascending indexes, one at least, and what their counters hold."""
        first = indexes[0]
        values = array("Q", bytes(_WORD_BYTES * (indexes[-1] + 1 - first)))
        for index, count in zip(indexes, counts, strict=True):
            values[index - first] = count
        return cls(first, values)

    def items(self) -> Iterator[tuple[int, int]]:
        """Index and number of each counter that is not zero, in ascending order."""
        return zip(compress(range(self.first, self.end), self.values), filter(None, self.values), strict=True)

    def add(self, other: Segment) -> None:
        """Add the other's counters; this one grows where it must."""
        end, other_end = self.end, other.end
        if other.first < self.first or other_end > end:
            first = min(self.first, other.first)
            grown = array("Q", bytes(_WORD_BYTES * (max(end, other_end) - first)))
            grown[self.first - first : end - first] = self.values
            self.first, self.values = first, grown
        address = self.values.buffer_info()[0] + _WORD_BYTES * (other.first - self.first)
        add_array(address, other.values.buffer_info()[0], len(other.values), _WORD_BYTES)

    def copy(self) -> Segment:
        """One that may grow without changing this one."""
        return Segment(self.first, self.values[:])

    def indexes_of(self, ranks: Sequence[int], total: int) -> list[int]:
        """For each rank, from 1 to `total` (all that the counters hold), the counter of that request.

        Whole blocks of counters are added up until the one that holds the request: to add is twice as fast as to
        keep what had been seen by each counter. The slowest request is in the last: no segment ends in zeros.
        """
        found: dict[int, int] = {total: self.end - 1}
        seen, start, block = 0, 0, self.values[:_BLOCK]
        held = sum(block)
        for rank in sorted(set(ranks)):
            if rank >= total:
                break
            while seen + held < rank:
                seen, start = seen + held, start + _BLOCK
                block = self.values[start : start + _BLOCK]
                held = sum(block)
            found[rank] = self.first + start + bisect_left(list(accumulate(block)), rank - seen)
        return [found[rank] for rank in ranks]

    def sum_before(self, index: int) -> int:
        """How many requests the counters below `index` hold."""
        return sum(self.values[: max(index - self.first, 0)])

    @property
    def end(self) -> int:
        """One beyond the last index."""
        return self.first + len(self.values)


Counters = Mapping[int, int] | Segment
"""Counter index -> number of requests, all of them positive."""


def read_counters(payload: str) -> tuple[Counters, int]:
    """The counters of a histogram, and how many requests they hold.

    Raises ValueError where the text is damaged or of other settings.
    """
    data = _unwrap(payload)
    if len(data) - _INNER.size <= FEWEST_DENSE_BYTES or data[-1] >= 0x80:  # the last is for the careful decoder
        counts = _decode_numbers(data, _INNER.size)
        return counts, sum(counts.values())
    scratch = _scratch()
    address = scratch.buffer_info()[0]
    try:
        found = decode(data, _INNER.size, address, _COUNTERS, _WORD_BYTES)
    except (ValueError, IndexError, OverflowError) as error:
        ctypes.memset(address, 0, _WORD_BYTES * _COUNTERS)
        raise ValueError(f"histogram with impossible counters ({error})") from error
    first, end = found["min_nonzero_index"], found["max_nonzero_index"] + 1
    if first < 0:
        return {}, 0
    values = scratch[first:end]
    ctypes.memset(address + _WORD_BYTES * first, 0, _WORD_BYTES * (end - first))
    return Segment(first, values), found["total"]


@cache
def _scratch() -> array[int]:
    """Where histograms are decoded; all zero between two of them."""
    return array("Q", bytes(_WORD_BYTES * _COUNTERS))


def decode_counters(payload: str) -> dict[int, int]:
    """The counters that are not zero. Raises ValueError where the text is damaged or of other settings."""
    return dict(read_counters(payload)[0].items())


def _unwrap(payload: str) -> bytes:
    """Header and numbers of a histogram."""
    try:
        raw = base64.b64decode(payload, validate=True)
        cookie, length = _OUTER.unpack_from(raw)
        data = _inflated(raw[_OUTER.size :])
        inner_cookie, size, _, figures, lowest, highest, _ = _INNER.unpack_from(data)
    except (ValueError, struct.error, zlib.error) as error:
        raise ValueError(f"not a compressed histogram ({error})") from error
    if cookie != _OUTER_COOKIE or inner_cookie != _INNER_COOKIE or length != len(raw) - _OUTER.size:
        raise ValueError("not a compressed histogram of version 2")
    if (figures, lowest, highest) != (SIGNIFICANT_FIGURES, LOWEST_NS, HIGHEST_NS):
        raise ValueError(f"histogram of {lowest} to {highest} ns with {figures} figures; {LOWEST_NS} to "
                         f"{HIGHEST_NS} ns with {SIGNIFICANT_FIGURES} expected")  # fmt: skip
    if size != len(data) - _INNER.size:
        raise ValueError("histogram cut short")
    return data


def _inflated(packed: bytes) -> bytes:
    """No more than the counters can take, whatever the text would expand to."""
    stream = zlib.decompressobj()
    data = stream.decompress(packed, _MOST_BYTES)
    if stream.unconsumed_tail:
        raise ValueError("more than its counters can take")
    if not stream.eof or stream.unused_data:
        raise ValueError("cut short")
    return data


def _decode_numbers(data: bytes, at: int) -> dict[int, int]:
    """Nearly all numbers fit one byte, and a report reads millions: these take the short way."""
    counts: dict[int, int] = {}
    index = number = shift = 0
    for byte in memoryview(data)[at:]:
        if not shift and byte < 0x80:
            if byte & 1:
                index += (byte + 1) >> 1
                continue
            if byte:
                counts[index] = byte >> 1
            index += 1
            continue
        last = shift == 7 * (_LONGEST_BYTES - 1)
        number |= (byte if last else byte & 0x7F) << shift
        shift += 7
        if last or byte < 0x80:
            value = (number >> 1) ^ -(number & 1)
            if value < 0:
                index -= value
            else:
                counts[index] = value
                index += 1
            number = shift = 0
    if shift:
        raise ValueError("histogram cut short")
    if index > _COUNTERS:
        raise ValueError(f"histogram of {index} counters; {_COUNTERS} at most expected")
    return counts


def value_range_ns(index: int) -> tuple[int, int]:
    """Lowest and highest latency, both inclusive, that the counter `index` stands for, in nanoseconds."""
    bucket = (index >> _HALF_MAGNITUDE) - 1
    within = index & (_HALF_COUNT - 1)
    if bucket < 0:
        bucket = 0
    else:
        within += _HALF_COUNT
    shift = bucket + _UNIT_MAGNITUDE
    lowest = within << shift
    return lowest, lowest + (1 << shift) - 1


@cache
def bounds_ns() -> tuple[array[int], array[int]]:
    """`value_range_ns` of every counter: the lowest, and the highest."""
    ranges = [value_range_ns(index) for index in range(_COUNTERS)]
    return array("q", [lowest for lowest, _ in ranges]), array("q", [highest for _, highest in ranges])


@cache
def twice_middles_ns() -> array[int]:
    """Twice the middle of every counter, but 0 for the lowest: what is there took no time worth naming."""
    lowest_ns, highest_ns = bounds_ns()
    return array("q", [0, *map(add, lowest_ns[1:], highest_ns[1:])])


def middles_ns(counts: Counters) -> Iterator[tuple[int, int]]:
    """Each counter's middle in nanoseconds, and how many requests it holds."""
    lowest_ns, highest_ns = bounds_ns()
    for index, count in counts.items():
        yield (lowest_ns[index] + highest_ns[index] + 1) // 2, count


def longest_ns(counts: Counters) -> int:
    """The most that any request may have taken; 0 without requests."""
    if isinstance(counts, Segment):
        return bounds_ns()[1][counts.end - 1]
    return bounds_ns()[1][max(counts)] if counts else 0


def count_up_to_ns(counters: Counters, limit_ns: int) -> int:
    """How many requests surely took no longer than `limit_ns`."""
    highest_ns = bounds_ns()[1]
    if isinstance(counters, Segment):
        return counters.sum_before(bisect_right(highest_ns, limit_ns))
    return sum(count for index, count in counters.items() if highest_ns[index] <= limit_ns)


def count_between_ns(counters: Counters, from_ns: int, until_ns: int) -> int:
    """How many requests took from `from_ns` up to, and not with, `until_ns`, by the middle of their counter."""
    if isinstance(counters, Segment):
        middles = _middles_ns()
        return counters.sum_before(bisect_left(middles, until_ns)) - counters.sum_before(
            bisect_left(middles, from_ns)
        )
    return sum(count for latency_ns, count in middles_ns(counters) if from_ns <= latency_ns < until_ns)


@cache
def _middles_ns() -> array[int]:
    lowest_ns, highest_ns = bounds_ns()
    return array("q", [(low + high + 1) // 2 for low, high in zip(lowest_ns, highest_ns, strict=True)])
