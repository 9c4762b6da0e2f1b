"""Folds samples into interval histograms, in a process of its own.

The load process hands each request over as one short line and goes on; sorting, counting and encoding happen
here, at low priority, so that the generator's clock is not disturbed. When the pipe ends, for whatever
reason, everything received is written.
"""

from __future__ import annotations

import gc
import os
import sys
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from harness.load.server_timing import UntrustedTimingError, parse_server_timing
from harness.records import (
    HIGHEST_NS,
    HLOG_HEADER,
    INTERVAL_NS,
    PHASE_INTERVAL_NS,
    Interval,
    Measure,
    Outcome,
    SeriesKey,
    encode_interval,
    new_histogram,
)

LINGER_NS = 2_000_000_000
"""An interval is written when no sample younger than this can be expected; later ones make another part."""

_Cell = tuple[int, int, Measure]  # start_ns, series number, measure


class Recorder:
    """Fold, then finish: `feed` takes lines, `due` and `rest` give the intervals to be written.

    `interval_ns` is the length of the intervals of response times.
    """

    def __init__(self, interval_ns: int = INTERVAL_NS) -> None:
        self._length_ns = dict.fromkeys(Measure, PHASE_INTERVAL_NS) | {Measure.RESPONSE: interval_ns}
        self._series: dict[int, tuple[str, str, Outcome, str]] = {}
        # Arrays, not lists: ten seconds of values wait here, and a list takes five times as much for each.
        self._values: defaultdict[_Cell, array[int]] = defaultdict(lambda: array("q"))
        self._latest_ns = 0

    def feed(self, line: str) -> None:
        """One line of `harness.load.messages`. Raises ValueError for a line of another form."""
        parts = line.split()
        if parts and parts[0] == "series":
            _, number, phase, operation, outcome, kind = parts
            self._series[int(number)] = (phase, operation, Outcome(outcome), kind)
            return
        number_, intended_ns, response_ns, service_ns = map(int, parts[:4])
        self._add(number_, intended_ns, Measure.RESPONSE, response_ns)
        self._add(number_, intended_ns, Measure.SERVICE, service_ns)
        self._latest_ns = max(self._latest_ns, intended_ns + response_ns)
        if len(parts) > 4 and self._series[number_][2] is Outcome.OK:
            try:
                timing = parse_server_timing(parts[4], service_ns)
            except UntrustedTimingError:
                return
            for measure, value_ns in timing.items():
                self._add(number_, intended_ns, measure, value_ns)

    def _add(self, number: int, intended_ns: int, measure: Measure, value_ns: int) -> None:
        length_ns = self._length_ns[measure]
        self._values[intended_ns // length_ns * length_ns, number, measure].append(value_ns)

    def due(self) -> Iterator[Interval]:
        """Intervals that have most likely seen their last sample; each is given once."""
        horizon_ns = self._latest_ns - LINGER_NS
        return self._take(cell for cell in self._values if cell[0] + self._length_ns[cell[2]] <= horizon_ns)

    def rest(self) -> Iterator[Interval]:
        """All that is left."""
        return self._take(self._values)

    def _take(self, cells: Iterable[_Cell]) -> Iterator[Interval]:
        for cell in sorted(cells):
            start_ns, number, measure = cell
            phase, operation, outcome, kind = self._series[number]
            histogram = new_histogram()
            for value_ns in self._values.pop(cell):
                histogram.record_value(min(max(value_ns, 0), HIGHEST_NS))
            key = SeriesKey(phase, operation, outcome, kind, measure)
            yield Interval(key, start_ns, self._length_ns[measure], histogram)


def main() -> None:
    """`python -m harness.load.recorder FD FILE NS`: samples on the pipe FD, to FILE in intervals of NS ns."""
    os.nice(10)
    gc.freeze()  # what is imported stays, so that a collection goes through little else than histograms
    pipe_fd, path, interval_ns = sys.argv[1:]
    recorder = Recorder(int(interval_ns))
    with (
        os.fdopen(int(pipe_fd), encoding="ascii") as pipe,
        Path(path).open("w", encoding="ascii") as log,
    ):
        log.write(HLOG_HEADER)
        for count, line in enumerate(pipe):
            if not line.endswith("\n"):
                break  # the load process died in mid-line
            recorder.feed(line)
            if count % 500 == 0:
                log.writelines(map(encode_interval, recorder.due()))
                log.flush()
                gc.collect()  # a histogram and its encoder hold each other; left alone, megabytes of them pile up
        log.writelines(map(encode_interval, recorder.rest()))


if __name__ == "__main__":
    main()
