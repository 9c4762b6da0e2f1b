"""Gauges that are read once, and once more at the end."""

from __future__ import annotations

import json
import queue
import time
from dataclasses import dataclass, field

from harness.journal import Journal
from harness.records import ErrorsReading
from harness.sampling import Sampled, sampling
from harness.sampling.errors import Untold


@dataclass
class Lines:
    """A journal's lines in memory."""

    written: list[dict[str, object]] = field(default_factory=list)

    def write_line(self, stream: str, line: str) -> None:
        assert stream == "readings.jsonl"
        self.written.append(json.loads(line))


class Numbered:
    """Tells how often it was read."""

    def __init__(self) -> None:
        self.lost = 0

    def read(self) -> ErrorsReading:
        self.lost += 1
        return ErrorsReading(t_ns=0, lost=self.lost)

    def close(self) -> None: ...


def sampled(*gauges: Sampled, for_s: float) -> list[dict[str, object]]:
    lines = Lines()
    journal = Journal(lines)
    journal.begin_at(time.monotonic_ns() + 20_000_000)  # samplers are up a little before the first request
    with sampling(gauges, journal, queue.SimpleQueue(), None):
        time.sleep(for_s)
    return lines.written


def test_what_is_not_to_be_had_is_told_once() -> None:
    written = sampled(Sampled("errors", lambda: Untold("it is not ours"), every_s=None), for_s=0.1)
    assert [("gap", "errors", "it is not ours")] == [(one["source"], one["of"], one["reason"]) for one in written]


def test_what_came_since_the_last_reading_is_read_at_the_end() -> None:
    once = Numbered()
    sampled(Sampled("errors", lambda: once, every_s=60.0), for_s=0.1)
    twice = Numbered()
    sampled(Sampled("errors", lambda: twice, every_s=60.0, at_end=True), for_s=0.1)
    assert twice.lost == once.lost + 1
