"""Sparse counts agree with HdrHistogram and add up exactly."""

from __future__ import annotations

import base64
import random
import struct
import zlib

import pytest
from hdrh.histogram import HdrHistogram

from harness.records import HIGHEST_NS, new_histogram
from reports.distribution import Distribution
from reports.histograms import Segment, decode_counters, read_counters, value_range_ns


def recorded(values_ns: list[int]) -> HdrHistogram:
    histogram = new_histogram()
    for value_ns in values_ns:
        histogram.record_value(value_ns)
    return histogram


def text_of(histogram: HdrHistogram) -> str:
    return str(histogram.encode().decode("ascii"))


def distribution(*values_ms: float) -> Distribution:
    return Distribution([decode_counters(text_of(recorded([round(value * 1e6) for value in values_ms])))])


@pytest.mark.parametrize("size", [0, 1, 2, 50, 3000])
def test_bulk_decoder_finds_the_counters_of_the_general_one(size: int) -> None:
    rng = random.Random(size)
    histogram = recorded([min(int(rng.lognormvariate(15, 4)) + 1, HIGHEST_NS) for _ in range(size)])

    counts = decode_counters(text_of(histogram))

    assert counts == {i: histogram.counts[i] for i in range(histogram.counts_len) if histogram.counts[i]}


def test_bulk_decoder_reads_counts_that_need_several_bytes() -> None:
    histogram = new_histogram()
    for value_ns, count in (
        (1_000, 1),
        (2_000_000, 127),
        (3_000_000, 128),
        (4_000_000, 1 << 40),
        (5_000_000, 1 << 62),
    ):
        histogram.record_value(value_ns, count)

    assert sorted(decode_counters(text_of(histogram)).values()) == [1, 127, 128, 1 << 40, 1 << 62]


@pytest.mark.parametrize("value_ns", [1, 511, 512, 1_000, 1_048_575, 1_048_576, 123_456_789, HIGHEST_NS])
def test_value_range_is_that_of_the_histogram(value_ns: int) -> None:
    histogram = recorded([value_ns])
    (index,) = decode_counters(text_of(histogram))

    lowest, highest = value_range_ns(index)

    assert lowest == histogram.get_lowest_equivalent_value(value_ns)
    assert highest == histogram.get_highest_equivalent_value(value_ns)


def test_parts_add_up_to_the_whole() -> None:
    rng = random.Random(5)
    values_ns = [int(rng.lognormvariate(15, 2)) + 1_000 for _ in range(900)]
    whole = Distribution([decode_counters(text_of(recorded(values_ns)))])

    parts = Distribution(
        decode_counters(text_of(recorded(values_ns[start : start + 7]))) for start in range(0, 900, 7)
    )
    merged = Distribution()
    merged.merge(parts)
    merged.merge(Distribution())

    assert merged.latency() == whole.latency()
    assert merged.total == 900


def test_quantiles_are_nearest_rank() -> None:
    # Ranks of 10 values: ceil(0.5*10) = 5, ceil(0.9*10) = 9, ceil(0.99*10) = 10.
    found = distribution(*range(1, 11)).quantiles_ms(500, 900, 990, 1000)

    assert found == pytest.approx((5, 9, 10, 10), rel=1e-3)


@pytest.mark.parametrize("width", [1, 255, 256, 257, 512, 3000])
@pytest.mark.parametrize("seed", range(5))
def test_quantiles_of_dense_counters_are_those_of_the_sorted_requests(width: int, seed: int) -> None:
    rng = random.Random(seed)
    indexes = sorted({0, width - 1, *rng.choices(range(width), k=rng.randrange(1, width + 1))})
    counts = [rng.choice((1, 1, 2, 300)) for _ in indexes]
    each = [index + 1000 for index, count in zip(indexes, counts, strict=True) for _ in range(count)]
    segment = Segment.of([index + 1000 for index in indexes], counts)
    ranks = [1, len(each), len(each) // 2 or 1, *(rng.randrange(1, len(each) + 1) for _ in range(20))]
    assert [each[rank - 1] for rank in ranks] == segment.indexes_of(ranks, len(each))


def test_mean_is_within_three_digits() -> None:
    assert distribution(1, 2, 6).mean_ms() == pytest.approx(3, rel=1e-3)


def test_nothing_has_no_figures() -> None:
    latency = Distribution().latency()

    assert latency.count == 0
    assert {latency.p50_ms, latency.p99_ms, latency.max_ms, latency.mean_ms} == {None}


@pytest.mark.parametrize(
    ("count", "has_p90", "has_p99", "has_p999"),
    [(9, False, False, False), (10, True, False, False), (99, True, False, False), (100, True, True, False),
     (999, True, True, False), (1000, True, True, True)],
)  # fmt: skip
def test_percentiles_need_enough_requests(count: int, has_p90: bool, has_p99: bool, has_p999: bool) -> None:
    latency = distribution(*[2.0] * count).latency()

    assert (latency.p90_ms is not None, latency.p99_ms is not None, latency.p999_ms is not None) == (
        has_p90,
        has_p99,
        has_p999,
    )


def test_count_up_to_is_never_too_large() -> None:
    counts = distribution(10, 20, 30)

    assert [counts.count_up_to_ns(round(limit * 1e6)) for limit in (5, 10, 10.1, 25, 99)] == [0, 0, 1, 2, 3]


@pytest.mark.parametrize("payload", ["", "HIST", "aGVsbG8gd29ybGQ=", "HISTFAAAAA"])
def test_damaged_payload_is_an_error(payload: str) -> None:
    with pytest.raises(ValueError, match="histogram"):
        decode_counters(payload)


def test_payload_cut_short_is_an_error() -> None:
    whole = text_of(recorded([5_000_000] * 3))

    with pytest.raises(ValueError, match="histogram"):
        decode_counters(whole[: len(whole) // 2 // 4 * 4])


def test_histogram_of_other_settings_is_an_error() -> None:
    other = HdrHistogram(1, 10_000_000, 2)
    other.record_value(77)

    with pytest.raises(ValueError, match="2 figures"):
        decode_counters(text_of(other))


def lognormal_ns(seed: int, size: int, spread: float = 2) -> list[int]:
    rng = random.Random(seed)
    return [int(rng.lognormvariate(15, spread)) + 1_000 for _ in range(size)]


@pytest.mark.parametrize(("size", "kind"), [(5, dict), (3000, Segment)])
def test_few_requests_are_kept_sparsely_and_many_densely(size: int, kind: type) -> None:
    histogram = recorded(lognormal_ns(1, size))

    counts, total = read_counters(text_of(histogram))

    assert (type(counts), total) == (kind, size)


def test_dense_histograms_do_not_mix() -> None:
    """The place where one is decoded is clean for the next."""
    wide, narrow = recorded(lognormal_ns(1, 3000, spread=4)), recorded(lognormal_ns(2, 3000, spread=0.1))
    expected = {i: narrow.counts[i] for i in range(narrow.counts_len) if narrow.counts[i]}

    read_counters(text_of(wide))

    assert decode_counters(text_of(narrow)) == expected


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (1, 3, 0, 2)])
@pytest.mark.parametrize("pack_after", [None, 1, 3])
def test_sparse_and_dense_parts_add_up_to_the_whole(order: tuple[int, ...], pack_after: int | None) -> None:
    """Two dense parts of different reach and two sparse ones, in any order, packed in between or not."""
    values = [lognormal_ns(1, 800, 0.3), lognormal_ns(2, 1500, 3), lognormal_ns(3, 7), lognormal_ns(4, 9)]
    whole = sorted(value for part in values for value in part)

    sum_of = Distribution()
    for number, place in enumerate(order):
        sum_of.add(*read_counters(text_of(recorded(values[place]))))
        if number == pack_after:
            sum_of.pack()
            assert sum_of.quantiles_ms(1000)[0] is not None
    merged_again = Distribution()
    merged_again.merge(sum_of)
    merged_again.merge(sum_of)

    assert sum_of.total == 2316
    expected = [whole[-(-2316 * share // 1000) - 1] / 1e6 for share in (500, 900, 990, 1000)]
    assert sum_of.quantiles_ms(500, 900, 990, 1000) == pytest.approx(expected, rel=1e-3)
    assert sum_of.mean_ms() == pytest.approx(sum(whole) / 2316 / 1e6, rel=1e-3)
    assert merged_again.total == 2 * 2316
    assert merged_again.quantiles_ms(500, 900, 990, 1000) == sum_of.quantiles_ms(500, 900, 990, 1000)


def test_dense_histogram_beyond_the_last_counter_is_an_error() -> None:
    """Rebuilt by hand: 100 counters in use after a run of 24,500 zeros."""
    data = zlib.decompress(base64.b64decode(text_of(recorded([5_000_000])))[8:])
    numbers = b"\x87\xff\x02" + b"\x02" * 100  # zigzag of -24,516 in three bytes
    inner = data[:4] + struct.pack(">I", len(numbers)) + data[8:40] + numbers
    packed = zlib.compress(inner)
    payload = base64.b64encode(struct.pack(">II", 0x1C849314, len(packed)) + packed).decode()

    with pytest.raises(ValueError, match="impossible counters"):
        read_counters(payload)
    assert decode_counters(text_of(recorded([5_000_000] * 3))) != {}
