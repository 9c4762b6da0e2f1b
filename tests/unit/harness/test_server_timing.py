"""What is believed of a Server-Timing header."""

from __future__ import annotations

import pytest

from harness.load.messages import sample_line, series_line
from harness.load.recorder import Recorder
from harness.load.server_timing import UntrustedTimingError, parse_server_timing
from harness.records import Measure, Outcome

MS = 1_000_000
ACQUIRE, CONNECT, PING, QUERY = Measure.ACQUIRE, Measure.CONNECT, Measure.PING, Measure.QUERY


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("acquire;dur=1.5, query;dur=2", {ACQUIRE: 1_500_000, QUERY: 2 * MS}),
        (
            "acquire;dur=3,connect;dur=1,ping;dur=2,query;dur=0",
            {ACQUIRE: 3 * MS, CONNECT: MS, PING: 2 * MS, QUERY: 0},
        ),
        ('cache;desc="hit", acquire;desc="pool";dur=1', {ACQUIRE: MS}),
        ("db;dur=99999, total", {}),
        ("", {}),
    ],
)
def test_parts_are_read_and_other_metrics_passed_over(header: str, expected: dict[Measure, int]) -> None:
    assert expected == parse_server_timing(header, 10 * MS)


@pytest.mark.parametrize(
    "header",
    [
        "acquire;dur=12",  # longer than the request's 10 ms
        "acquire;dur=6, query;dur=6",
        "acquire;dur=1, connect;dur=3",
        "acquire;dur=1, acquire;dur=1",
        "acquire",
        "acquire;dur=-1",
        "acquire;dur=1e9",
        "acquire;dur=nan",
        "acquire;dur=" + "9" * 30,
        "acquire;dur=1;" * 50,
        "\x00;dur=1",
        "query;dur=1" + " " * 600,
    ],
)
def test_a_header_that_cannot_be_true_is_not_believed(header: str) -> None:
    with pytest.raises(UntrustedTimingError):
        parse_server_timing(header, 10 * MS)


def measures_of(timing: str, outcome: Outcome = Outcome.OK) -> set[Measure]:
    recorder = Recorder()
    recorder.feed(series_line(0, "read_user", "steady", outcome, "-"))
    recorder.feed(sample_line(0, 0, 10 * MS, 10 * MS, timing))
    return {interval.key.measure for interval in recorder.rest()}


def test_a_request_whose_header_is_not_believed_is_still_counted() -> None:
    assert {Measure.RESPONSE, Measure.SERVICE} == measures_of("acquire;dur=99999")
    assert {Measure.RESPONSE, Measure.SERVICE} == measures_of("\u00e9\n injected 1 2 3")


def test_parts_are_recorded_for_successes_only() -> None:
    assert {Measure.RESPONSE, Measure.SERVICE, ACQUIRE} == measures_of("acquire;dur=2")
    assert {Measure.RESPONSE, Measure.SERVICE} == measures_of("acquire;dur=2", Outcome.FAILED)


def test_a_header_stays_one_line_and_one_word() -> None:
    line = sample_line(0, 1, 2, 3, "a;dur=1,\r\n b;dur=2 " + "x" * 5000)
    assert 1 == line.count("\n")
    assert 5 == len(line.split())
    assert len(line) < 700
