"""Latencies: what was timed of whom, in a HdrHistogram interval log, and how long its intervals are."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from hdrh.histogram import HdrHistogram

from scenarios.model import Scenario

INTERVAL_NS = 100_000_000
"""Shortest length of a histogram interval: fine enough to cut fault windows out of a trial."""
PHASE_INTERVAL_NS = 300 * INTERVAL_NS
"""Length of the intervals of service times and their parts, which are needed by phase only."""
MOST_BINS = 400
FEWEST_IN_PHASE = 50
LOWEST_NS = 1_000
HIGHEST_NS = 3_600_000_000_000
SIGNIFICANT_FIGURES = 3
MOST_FAULTED = 40_000
"""Intervals of a trial with faults that may be made longer: an hour and six minutes at full pace."""
FEWEST_IN_FAULT = 20
MOST_TICKS = 12_000
"""Readings of one gauge in a trial: 20 minutes of them at full pace. All gauges together take 0.6 kB a tick, so
that a faulted trial of a day leaves 7 MB, and a fortnight of such trials what a report reads."""


class Outcome(StrEnum):
    """What is known of a request; decided once, where the answer arrives."""

    OK = "ok"
    REFUSED = "refused"  # the pool was exhausted, and the target said so
    FAILED = "failed"  # definitely not done
    UNKNOWN = "unknown"  # sent, and no answer tells whether it was done
    ABORTED = "aborted"  # under way when the harness ended the load


class Measure(StrEnum):
    """What was timed: from the intended send (response time), from the actual one (service time), or a part of
    the service time that the target told in its Server-Timing header.

    `acquire` is the whole checkout; `ping` and `connect` are parts of it. Parts are recorded only for requests
    whose header could be trusted, so their counts can be lower.
    """

    RESPONSE = "response"
    SERVICE = "service"
    ACQUIRE = "acquire"
    CONNECT = "connect"
    PING = "ping"
    QUERY = "query"


@dataclass(frozen=True, slots=True)
class SeriesKey:
    """Which requests a histogram holds. `kind` is the problem's kind or transport error, `-` for success."""

    phase: str
    operation: str
    outcome: Outcome
    kind: str
    measure: Measure

    def tag(self) -> str:
        """The key as a histogram-log tag: its parts joined by `;` (none may hold a comma or blank)."""
        return ";".join((self.phase, self.operation, self.outcome, self.kind, self.measure))

    @classmethod
    def from_tag(cls, tag: str) -> SeriesKey:
        """Inverse of `tag`. Raises ValueError for a tag of another form."""
        phase, operation, outcome, kind, measure = tag.split(";")
        return cls(phase, operation, Outcome(outcome), kind, Measure(measure))


def response_interval_ns(scenario: Scenario) -> int:
    """Length of the intervals of response times in a trial of a scenario.

    With faults it is `INTERVAL_NS`, since windows are cut out of them; longer in a trial of hours, as far as that
    leaves `FEWEST_IN_FAULT` for each fault. Without, a longer one serves as well: that of a chart's bins, or the
    longest of the same lengths that leaves `FEWEST_IN_PHASE` for each phase that counts. All these lengths divide
    one another, so that a bin is always made of whole intervals.
    """
    if faults_s := [fault.duration_s for phase in scenario.phases for fault in phase.faults]:
        length_ns = INTERVAL_NS
        while (
            length_ns * MOST_FAULTED < scenario.duration_s * 1e9
            and 2 * length_ns * FEWEST_IN_FAULT <= min(faults_s) * 1e9
        ):
            length_ns *= 2
        return length_ns
    shortest_ns = 1e9 * min(phase.duration_s for phase in scenario.phases if not phase.warmup)
    length_ns = bin_length_ns(round(scenario.duration_s * 1e9))
    while length_ns > INTERVAL_NS and length_ns * FEWEST_IN_PHASE > shortest_ns:
        length_ns //= 2
    return length_ns


def reading_every_s(scenario: Scenario) -> float:
    """How often generator and pool are read in a trial: each 0.1 s, but only four times in a longer interval, and
    in a longer trial so seldom that there are no more than `MOST_TICKS` of each.
    """
    every_ns = max(INTERVAL_NS, response_interval_ns(scenario) // 4)
    while every_ns * MOST_TICKS < scenario.duration_s * 1e9:
        every_ns *= 2
    return every_ns / 1e9


def intervals_of(scenario: Scenario) -> float:
    """About how many intervals of response times a trial has, each with a histogram for each series."""
    return scenario.duration_s * 1e9 / response_interval_ns(scenario)


def bin_length_ns(length_ns: int) -> int:
    """The shortest of the same lengths that cuts `length_ns` into at most `MOST_BINS` bins."""
    bin_ns = INTERVAL_NS
    while MOST_BINS * bin_ns < length_ns:
        bin_ns *= 2
    return bin_ns


@dataclass(frozen=True, slots=True)
class Interval:
    """Latencies in nanoseconds of the requests of one series whose intended send lay in one interval.

    An interval may come in several parts (late answers are written when they are in); parts add up.
    """

    key: SeriesKey
    start_ns: int
    length_ns: int
    histogram: HdrHistogram


def new_histogram() -> HdrHistogram:
    """An empty histogram of nanoseconds: 1 us to 1 h, three significant digits."""
    return HdrHistogram(LOWEST_NS, HIGHEST_NS, SIGNIFICANT_FIGURES)


HLOG_HEADER = (
    "#[Histogram log format version 1.3]\n"
    "#[values in nanoseconds; Interval_Max in milliseconds; times in seconds since the trial's origin]\n"
    '"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"\n'
)
_HLOG_LINE = re.compile(
    r"Tag=([^,]{1,1000}),([0-9]{1,9}(?:\.[0-9]{1,9})?),([0-9]{1,9}(?:\.[0-9]{1,9})?),[0-9.]{1,20},([A-Za-z0-9+/=]+)\n?"
)


def encode_interval(interval: Interval) -> str:
    """One line of the standard histogram log, tagged with the series."""
    histogram = interval.histogram
    return (
        f"Tag={interval.key.tag()},{interval.start_ns / 1e9:.3f},{interval.length_ns / 1e9:.3f},"
        f"{histogram.get_max_value() / 1e6:.3f},{histogram.encode().decode('ascii')}\n"
    )


@dataclass(frozen=True, slots=True)
class EncodedInterval:
    """An interval whose histogram is still text, for readers that decode in bulk; `line` counts from 1."""

    tag: str
    start_ns: int
    length_ns: int
    payload: str
    line: int


def split_intervals(lines: Iterable[str]) -> Iterator[EncodedInterval]:
    """Read a histogram log without decoding it. Raises ValueError with the line's number where one is damaged."""
    for number, line in enumerate(lines, start=1):
        if line.startswith(("#", '"')) or not line.strip():
            continue
        match = _HLOG_LINE.fullmatch(line)
        if match is None:
            raise ValueError(f"line {number} is not a line of a histogram log")
        tag, start_s, length_s, payload = match.groups()
        yield EncodedInterval(tag, round(float(start_s) * 1e9), round(float(length_s) * 1e9), payload, number)


def decode_intervals(lines: Iterable[str]) -> Iterator[Interval]:
    """Read a histogram log. Raises ValueError with the line's number where a line is damaged."""
    for encoded in split_intervals(lines):
        try:
            histogram = HdrHistogram.decode(encoded.payload)
            key = SeriesKey.from_tag(encoded.tag)
        except Exception as error:
            raise ValueError(f"line {encoded.line} of the histogram log is damaged: {error}") from error
        yield Interval(key, encoded.start_ns, encoded.length_ns, histogram)
