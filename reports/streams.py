"""The streams of a trial (latencies, marks, readings, writes, what is stored): whole, bounded, as closed."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypeVar

from pydantic import ValidationError

from harness.records import (
    Closing,
    Mark,
    Measure,
    Outcome,
    Reading,
    SeriesKey,
    Stored,
    Stream,
    Write,
    decode_reading,
    split_intervals,
)
from reports.files import DamageError, content, opened, reason_of
from reports.histograms import Counters, read_counters
from scenarios.model import AS_RECORDED, Scenario

MOST_LOG_BYTES = 256_000_000
MOST_MARKS_BYTES = 4_000_000
MOST_READINGS_BYTES = 64_000_000
MOST_WRITES_BYTES = 64_000_000
MOST_STORED_BYTES = 16_000_000
LONGEST_LINE = 400_000
"""A histogram with every counter in use takes less."""
MOST_SERIES = 1_000
MOST_SERIES_OF_PHASE = 60
"""Beside these, so many for each phase: operations, ends and measures of a ladder of two hundred are many, too."""
MOST_REQUESTS = 100_000_000
"""Of one outcome, in one trial: more were never sent."""
LONGEST_INTERVAL_NS = 3_600_000_000_000
LATEST_NS = 400 * 24 * 3_600_000_000_000
GRACE_NS = 60_000_000_000
_BLOCK_BYTES = 1 << 20

_Item = TypeVar("_Item")


def require_as_closed(path: Path, closed: Stream | None, most_bytes: int) -> None:
    """Compare a file with what its trial's closing says of it. Raises DamageError where they differ."""
    if closed is None:
        raise DamageError(f"{path.name} has no closing in trial.json")
    lines, digest = 0, hashlib.sha256()
    with opened(path, most_bytes) as file:
        while block := file.read(_BLOCK_BYTES):
            lines += block.count(b"\n")
            digest.update(block)
    if lines < closed.lines:
        raise DamageError(f"{path.name} is not whole: {lines:,} of its {closed.lines:,} lines are there")
    if lines > closed.lines:
        raise DamageError(f"{path.name} has {lines:,} lines where {closed.lines:,} were recorded")
    if digest.hexdigest() != closed.sha256:
        raise DamageError(f"{path.name} is not what was recorded: its {lines:,} lines were changed")


@dataclass(frozen=True, slots=True)
class SeriesCell:
    """The requests of one series whose intended send lay in [start_ns, end_ns); parts of one interval repeat."""

    key: SeriesKey
    start_ns: int
    end_ns: int
    counters: Counters
    total: int


@dataclass(frozen=True, slots=True)
class LatencyLog:
    """The cells of a histogram log, read as they are asked for.

    Going through them raises DamageError, which names the line, where the file is damaged; and at the end where
    they are not the requests that the closing tells of. `latest_ns` is when the last request may have been meant
    to be sent, `phases` are those that there were.
    """

    path: Path
    latest_ns: int
    phases: frozenset[str]
    closing: Closing | None

    def __iter__(self) -> Iterator[SeriesCell]:
        told: dict[Measure, Counter[Outcome]] = {Measure.RESPONSE: Counter(), Measure.SERVICE: Counter()}
        with damage_named(self.path), opened(self.path, MOST_LOG_BYTES) as file:
            for cell in self._cells(file):
                if cell.key.measure in told:
                    told[cell.key.measure][cell.key.outcome] += cell.total
                    if told[cell.key.measure][cell.key.outcome] > MOST_REQUESTS:
                        raise ValueError(f"more than {MOST_REQUESTS:,} requests")
                yield cell
        self._reconcile(told[Measure.RESPONSE], told[Measure.SERVICE])

    def _cells(self, file: BinaryIO) -> Iterator[SeriesCell]:
        keys: dict[str, SeriesKey | None] = {}
        for encoded in split_intervals(_lines(file)):
            try:
                if encoded.tag not in keys:
                    keys[encoded.tag] = self._key(encoded.tag, len(keys))
                key = keys[encoded.tag]
                if key is None:
                    continue
                if encoded.start_ns > self.latest_ns or not 0 <= encoded.length_ns <= LONGEST_INTERVAL_NS:
                    raise ValueError(f"the interval at {encoded.start_ns / 1e9:.15g} s is beyond the trial")
                counters, total = read_counters(encoded.payload)
            except ValueError as error:
                raise ValueError(f"line {encoded.line}: {error}") from error
            yield SeriesCell(key, encoded.start_ns, encoded.start_ns + encoded.length_ns, counters, total)

    def _key(self, tag: str, known: int) -> SeriesKey | None:
        """None for a measure that a later version may have added."""
        most = MOST_SERIES + MOST_SERIES_OF_PHASE * len(self.phases)
        if known >= most:
            raise ValueError(f"more than {most:,} series")
        measure = tag.rpartition(";")[2]
        if self.closing is not None and tag.count(";") == 4 and measure not in set(Measure):
            return None
        key = SeriesKey.from_tag(tag)
        if key.phase not in self.phases:
            raise ValueError(f"the scenario has no phase {key.phase[:40]!r}")
        return key

    def _reconcile(self, responses: Counter[Outcome], services: Counter[Outcome]) -> None:
        name = self.path.name
        for outcome in Outcome:
            if responses[outcome] != services[outcome]:
                raise DamageError(
                    f"{name} is not whole: it has {responses[outcome]:,} response times and "
                    f"{services[outcome]:,} service times of requests that ended as {outcome.value}"
                )
            recorded = None if self.closing is None else self.closing.requests.get(outcome, 0)
            if recorded is not None and recorded != responses[outcome]:
                raise DamageError(
                    f"{name} is not whole: {responses[outcome]:,} of the {recorded:,} requests that ended as "
                    f"{outcome.value} are there"
                )


def latest_send_ns(scenario: Scenario) -> int:
    """When the last request of a trial may have been meant to be sent, with some grace for a late end."""
    planned_s = scenario.duration_s + scenario.drain_s + scenario.request_timeout_s
    return min(round(planned_s * 1e9) + GRACE_NS, LATEST_NS)


def require_lawful(closing: Closing) -> None:
    """What was begun is recorded. Raises DamageError where the generator's account says otherwise."""
    recorded = sum(closing.requests.values())
    lost = closing.started - recorded
    if lost or closing.under_way:
        raise DamageError(
            f"the record is not whole: {closing.started:,} requests were begun, {recorded:,} are recorded and "
            f"{closing.under_way:,} were still under way"
        )


@dataclass(frozen=True, slots=True)
class WriteLog:
    """The history of writes, read as it is asked for. Going through it raises DamageError."""

    path: Path

    def __iter__(self) -> Iterator[Write]:
        with damage_named(self.path), opened(self.path, MOST_WRITES_BYTES) as file:
            yield from _decoded(_lines(file), Write.model_validate_json)


@dataclass(frozen=True, slots=True)
class StoredLog:
    """The transfers that the load left in the database, read as it is asked for. Raises DamageError."""

    path: Path

    def __iter__(self) -> Iterator[Stored]:
        with damage_named(self.path), opened(self.path, MOST_STORED_BYTES) as file:
            yield from _decoded(_lines(file), Stored.model_validate_json)


def read_marks(path: Path, lenient: bool) -> list[Mark]:
    """Marks by time; with `lenient`, a kind that is not known is a note. Raises DamageError."""
    context = AS_RECORDED if lenient else None
    with damage_named(path):
        lines = _split(content(path, MOST_MARKS_BYTES))
        marks = list(_decoded(lines, lambda line: Mark.model_validate_json(line, context=context)))
    return sorted(marks, key=lambda mark: mark.t_ns)


def read_readings(path: Path, lenient: bool) -> list[Reading]:
    """Readings by time; with `lenient`, those of a source that is not known are left out. Raises DamageError."""
    with damage_named(path):
        lines = _split(content(path, MOST_READINGS_BYTES))
        found = _decoded(lines, _decode_known if lenient else decode_reading)
        readings = [reading for reading in found if reading is not None]
    return sorted(readings, key=lambda reading: reading.t_ns)


def _decode_known(line: str) -> Reading | None:
    try:
        return decode_reading(line)
    except ValidationError as error:
        if error.errors(include_url=False)[0]["type"] == "union_tag_invalid":
            return None
        raise


def _split(data: bytes) -> Iterable[str]:
    lines = data.decode().split("\n")
    if lines[-1] == "":
        lines.pop()
    return lines


def _lines(file: BinaryIO) -> Iterator[str]:
    while line := file.readline(LONGEST_LINE + 1):
        if len(line) > LONGEST_LINE:
            raise ValueError(f"a line of more than {LONGEST_LINE:,} bytes")
        yield line.decode()


def _decoded(lines: Iterable[str], decode: Callable[[str], _Item]) -> Iterator[_Item]:
    for number, line in enumerate(lines, start=1):
        try:
            yield decode(line)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"line {number}: {reason_of(error)}") from error


@contextmanager
def damage_named(path: Path) -> Iterator[None]:
    """What goes wrong in a trial's file becomes one line that names it."""
    try:
        yield
    except (ValueError, OverflowError, RecursionError) as error:
        raise DamageError(f"{path.name} is damaged ({reason_of(error)})") from error


Closed = Mapping[str, Stream]
"""How a trial's files were closed, by name."""
