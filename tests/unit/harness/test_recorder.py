"""Samples into interval histograms."""

from __future__ import annotations

from collections import Counter

import pytest

from harness.load.messages import sample_line, series_line
from harness.load.recorder import LINGER_NS, Recorder
from harness.records import (
    HLOG_HEADER,
    INTERVAL_NS,
    Interval,
    Measure,
    Outcome,
    decode_intervals,
    encode_interval,
)

MS = 1_000_000


def recorder_of(*samples: tuple[int, int, int]) -> Recorder:
    """A recorder fed with (intended, response, service) in nanoseconds of one series."""
    recorder = Recorder()
    recorder.feed(series_line(0, "read_user", "steady", Outcome.OK, "-"))
    for sample in samples:
        recorder.feed(sample_line(0, *sample))
    return recorder


def responses(intervals: list[Interval]) -> dict[int, int]:
    """Count of response times by the interval's start."""
    counts: Counter[int] = Counter()
    for interval in intervals:
        if interval.key.measure is Measure.RESPONSE:
            counts[interval.start_ns] += interval.histogram.get_total_count()
    return dict(counts)


def test_a_request_counts_in_the_interval_of_its_intended_send() -> None:
    late_answer = 5 * INTERVAL_NS
    recorder = recorder_of((0, MS, MS), (INTERVAL_NS - 1, late_answer, MS), (INTERVAL_NS, MS, MS))
    assert responses(list(recorder.rest())) == {0: 2, INTERVAL_NS: 1}


def test_response_and_service_time_are_kept_apart() -> None:
    intervals = list(recorder_of((0, 50 * MS, 2 * MS)).rest())
    longest = {interval.key.measure: interval.histogram.get_max_value() for interval in intervals}
    # Three significant digits: within 0.1 %.
    assert pytest.approx(50 * MS, rel=1e-3) == longest[Measure.RESPONSE]
    assert pytest.approx(2 * MS, rel=1e-3) == longest[Measure.SERVICE]


def test_due_gives_old_intervals_once_and_what_comes_later_makes_another_part() -> None:
    recorder = recorder_of((0, MS, MS), (LINGER_NS + 2 * INTERVAL_NS, MS, MS))
    assert responses(list(recorder.due())) == {0: 1}
    assert list(recorder.due()) == []
    recorder.feed(sample_line(0, 1, 3 * LINGER_NS, MS))  # an answer that took long
    assert responses(list(recorder.rest()))[0] == 1


def test_nothing_is_lost_or_counted_twice_between_due_and_rest() -> None:
    recorder = recorder_of()
    parts: list[Interval] = []
    for index in range(3000):
        recorder.feed(sample_line(0, index * 7 * MS, (index % 90) * MS, MS))
        if index % 100 == 0:
            parts.extend(recorder.due())
    parts.extend(recorder.rest())
    assert sum(responses(parts).values()) == 3000


def test_latencies_beyond_the_histogram_count_at_its_ends() -> None:
    intervals = list(recorder_of((0, -5, 0), (0, 10**15, 1)).rest())
    assert responses(intervals) == {0: 2}


def test_a_histogram_log_reads_back_as_it_was_written() -> None:
    written = list(recorder_of((0, 3 * MS, 2 * MS), (0, 4 * MS, 2 * MS)).rest())
    read = list(decode_intervals([*HLOG_HEADER.splitlines(keepends=True), *map(encode_interval, written)]))
    assert [(i.key, i.start_ns, i.length_ns) for i in written] == [(i.key, i.start_ns, i.length_ns) for i in read]
    assert [i.histogram.get_total_count() for i in written] == [i.histogram.get_total_count() for i in read]


def test_a_damaged_line_is_named_by_its_number() -> None:
    line = encode_interval(next(recorder_of((0, MS, MS)).rest()))
    with pytest.raises(ValueError, match="line 2"):
        list(decode_intervals([line, line[:-20] + "\n"]))
