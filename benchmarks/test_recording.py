"""What the record costs: one sample in the load process and the recorder, one interval written and read.

The load process itself is not imported here: Locust, which it needs, would patch this process. What it does for
each sample, beside its gauges, is to classify the answer and to format the line.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from harness.load.classify import classify
from harness.load.messages import sample_line, series_line
from harness.load.recorder import Recorder
from harness.records import (
    HLOG_HEADER,
    INTERVAL_NS,
    Interval,
    Measure,
    Outcome,
    decode_intervals,
    encode_interval,
    split_intervals,
)
from reports.distribution import decode_counters

SAMPLES = 25
"""Of one interval: 250 requests a second, the scenarios' busiest."""
SERIES = series_line(0, "read_user", "steady", Outcome.OK, "-")
REFUSAL = b'{"type":"urn:poolstorm:problem:pool-exhausted","status":503,"kind":"pool-exhausted","effect":"none"}'


def sample_lines() -> list[str]:
    """Latencies around 3 ms, long-tailed, the same every time."""
    rng = random.Random(1)
    values = [round(rng.lognormvariate(1.0, 0.5) * 1e6) for _ in range(SAMPLES)]
    return [
        sample_line(0, INTERVAL_NS * index // SAMPLES, value, value - 1000) for index, value in enumerate(values)
    ]


def fold(lines: list[str]) -> list[Interval]:
    recorder = Recorder()
    recorder.feed(SERIES)
    for line in lines:
        recorder.feed(line)
    return list(recorder.rest())


@pytest.mark.benchmark(group="recording one sample")
@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        pytest.param(200, None, (Outcome.OK, "-"), id="ok"),
        pytest.param(503, REFUSAL, (Outcome.REFUSED, "pool-exhausted"), id="refused"),
    ],
)
def test_classify(
    benchmark: BenchmarkFixture, status: int, body: bytes | None, expected: tuple[Outcome, str]
) -> None:
    assert benchmark(classify, status, body, None) == expected


@pytest.mark.benchmark(group="recording one sample")
def test_format_line(benchmark: BenchmarkFixture) -> None:
    line = benchmark(sample_line, 3, 1_234_567_890, 3_141_592, 3_140_000)

    assert line == "3 1234567890 3141592 3140000\n"


@pytest.mark.benchmark(group="recording one sample")
def test_feed_recorder(benchmark: BenchmarkFixture) -> None:
    lines = sample_lines()

    def fresh() -> tuple[tuple[Callable[[str], None], str], dict[str, object]]:
        recorder = Recorder()  # anew for each round, or its lists would grow with the rounds
        recorder.feed(SERIES)
        return (recorder.feed, lines[0]), {}

    benchmark.pedantic(  # type: ignore[no-untyped-call]
        lambda feed, line: feed(line), setup=fresh, rounds=5000, warmup_rounds=100
    )


@pytest.mark.benchmark(group=f"one interval of {SAMPLES} samples")
def test_fold_and_encode(benchmark: BenchmarkFixture) -> None:
    lines = sample_lines()

    written = benchmark(lambda: [encode_interval(interval) for interval in fold(lines)])

    assert {interval.key.measure for interval in decode_intervals(written)} == {Measure.RESPONSE, Measure.SERVICE}


@pytest.mark.benchmark(group=f"one interval of {SAMPLES} samples")
def test_decode_for_a_report(benchmark: BenchmarkFixture) -> None:
    """The sparse decoder that reports use."""
    log = [*HLOG_HEADER.splitlines(), encode_interval(fold(sample_lines())[0])]

    counts = benchmark(lambda: [decode_counters(encoded.payload) for encoded in split_intervals(log)])

    assert sum(counts[0].values()) == SAMPLES


@pytest.mark.benchmark(group=f"one interval of {SAMPLES} samples")
def test_decode_as_histogram(benchmark: BenchmarkFixture) -> None:
    """The general decoder, for comparison."""
    log = [*HLOG_HEADER.splitlines(), encode_interval(fold(sample_lines())[0])]

    intervals = benchmark(lambda: list(decode_intervals(log)))

    assert intervals[0].histogram.get_total_count() == SAMPLES
