"""Folds samples into interval histograms, in a process of its own.

The load process hands each request over as one short line and goes on; sorting, counting and encoding happen
here, at low priority, so that the generator's clock is not disturbed. When the pipe ends, for whatever
reason, everything received is written, and what that was is told.
"""

from __future__ import annotations

import gc
import json
import os
import sys
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import IO

from harness.load import messages
from harness.load.server_timing import PARTS, UntrustedTimingError, parse_server_timing
from harness.records import (
    HIGHEST_NS,
    HLOG_HEADER,
    INTERVAL_NS,
    PHASE_INTERVAL_NS,
    Interval,
    Measure,
    Outcome,
    SeriesKey,
    Write,
    encode_interval,
    new_histogram,
)

LINGER_NS = 2_000_000_000
"""An interval is written when no sample younger than this can be expected; later ones make another part."""
_TOLD = {Outcome.OK: PARTS, Outcome.REFUSED: (Measure.ACQUIRE,)}
"""What is believed of an answer's Server-Timing: of a refusal how long it waited for a connection."""
MOST_WRITES = 100_000
"""In the history of a trial, the reads that look for one included; further ones are counted only."""

_SEEN = {word: seen for seen, word in messages.SEEN.items()}
_Slot = tuple[int, int, Measure]  # start_ns, series number, measure


class Recorder:
    """Fold, then finish: `feed` takes lines, `due` and `rest` give the intervals to be written.

    `interval_ns` is the length of the intervals of response times.
    """

    def __init__(self, interval_ns: int = INTERVAL_NS) -> None:
        self._length_ns = dict.fromkeys(Measure, PHASE_INTERVAL_NS) | {Measure.RESPONSE: interval_ns}
        self._series: dict[int, tuple[str, str, Outcome, str]] = {}
        # Arrays, not lists: ten seconds of values wait here, and a list takes five times as much for each.
        self._values: defaultdict[_Slot, array[int]] = defaultdict(lambda: array("q"))
        self._latest_ns = 0
        self._writes: list[Write] = []
        self._writes_taken = 0
        self.requests: Counter[Outcome] = Counter()  # of the intervals that were given
        self.writes_dropped = 0

    def feed(self, line: str) -> None:
        """One line of `harness.load.messages`. Raises ValueError for a line of another form."""
        parts = line.split()
        if parts and parts[0] == "series":
            _, number, phase, operation, outcome, kind = parts
            self._series[int(number)] = (phase, operation, Outcome(outcome), kind)
            return
        if parts and parts[0] in ("write", "read"):
            self._take_write(line)
            return
        number_, intended_ns, response_ns, service_ns = map(int, parts[:4])
        self._add(number_, intended_ns, Measure.RESPONSE, response_ns)
        self._add(number_, intended_ns, Measure.SERVICE, service_ns)
        self._latest_ns = max(self._latest_ns, intended_ns + response_ns)
        told = _TOLD.get(self._series[number_][2], ())
        if len(parts) > 4 and told:
            try:
                timing = parse_server_timing(parts[4], service_ns)
            except UntrustedTimingError:
                return
            for measure in told:
                if measure in timing:
                    self._add(number_, intended_ns, measure, timing[measure])

    def _add(self, number: int, intended_ns: int, measure: Measure, value_ns: int) -> None:
        length_ns = self._length_ns[measure]
        self._values[intended_ns // length_ns * length_ns, number, measure].append(value_ns)

    def _take_write(self, line: str) -> None:
        if self._writes_taken == MOST_WRITES:
            self.writes_dropped += 1
            return
        self._writes_taken += 1
        action, number, sent_ns, answered_ns, seen, token = line.split(maxsplit=5)
        phase, operation, outcome, kind = self._series[int(number)]
        self._writes.append(
            Write(
                token=json.loads(token),
                operation=operation,
                phase=phase,
                sent_ns=int(sent_ns),
                answered_ns=None if answered_ns == "-" else int(answered_ns),
                outcome=outcome,
                kind=kind,
                action="read" if action == "read" else "write",
                seen=_SEEN[seen],
            )
        )

    def writes(self) -> list[Write]:
        """Those that have come since this was asked last."""
        writes, self._writes = self._writes, []
        return writes

    def due(self) -> Iterator[Interval]:
        """Intervals that have most likely seen their last sample; each is given once."""
        horizon_ns = self._latest_ns - LINGER_NS
        return self._take(slot for slot in self._values if slot[0] + self._length_ns[slot[2]] <= horizon_ns)

    def rest(self) -> Iterator[Interval]:
        """All that is left."""
        return self._take(self._values)

    def _take(self, slots: Iterable[_Slot]) -> Iterator[Interval]:
        for slot in sorted(slots):
            start_ns, number, measure = slot
            phase, operation, outcome, kind = self._series[number]
            histogram = new_histogram()
            for value_ns in self._values.pop(slot):
                histogram.record_value(min(max(value_ns, 0), HIGHEST_NS))
            key = SeriesKey(phase, operation, outcome, kind, measure)
            if measure is Measure.RESPONSE:
                self.requests[outcome] += histogram.get_total_count()
            yield Interval(key, start_ns, self._length_ns[measure], histogram)


def record(samples: Iterable[str], log: IO[str], history: IO[str] | None, interval_ns: int) -> messages.Recorded:
    """Fold all samples into the log, and the writes among them into the history; tell what is there.

    `failure` says where the system did not take it, or a line was none; what could be written before is.
    """
    recorder = Recorder(interval_ns)
    written: Counter[Outcome] = Counter()
    failure, writes = "", 0

    def write(intervals: Iterable[Interval]) -> int:
        log.writelines(map(encode_interval, intervals))
        log.flush()
        written.update(recorder.requests - written)
        fresh = recorder.writes() if history is not None else []
        if history is not None and fresh:
            history.writelines(f"{entry.model_dump_json()}\n" for entry in fresh)
            history.flush()
        return len(fresh)

    try:
        log.write(HLOG_HEADER)
        for count, line in enumerate(samples):
            if not line.endswith("\n"):
                failure = "the load process died in mid-line"
                break
            recorder.feed(line)
            if count % 500 == 0:
                writes += write(recorder.due())
                gc.collect()  # a histogram and its encoder hold each other; left alone, megabytes of them pile up
        writes += write(recorder.rest())
    except OSError as error:
        failure = f"latencies cannot be written ({error.strerror})"
    except (ValueError, KeyError) as error:
        failure = f"a sample could not be read ({type(error).__name__}: {error})"
    return messages.Recorded(
        requests=dict(written), writes=writes, writes_dropped=recorder.writes_dropped, failure=failure
    )


def main() -> None:
    """`python -m harness.load.recorder SAMPLES LOG HISTORY NS`: from the pipe SAMPLES to the open file LOG, in
    intervals of NS ns.

    All but the last are file descriptors; HISTORY, for writes, may be -1. What was recorded is told on standard
    output; exits with 1 where that is not all.
    """
    os.nice(10)
    samples_fd, log_fd, history_fd, interval_ns = map(int, sys.argv[1:])
    log = os.fdopen(log_fd, "w", encoding="ascii")
    history = os.fdopen(history_fd, "w", encoding="utf-8") if history_fd >= 0 else None
    with os.fdopen(samples_fd, encoding="ascii") as samples:
        recorded = record(samples, log, history, interval_ns)
    messages.to_standard_output(recorded)
    if recorded.failure:
        sys.stderr.write(f"{recorded.failure}\n")
        sys.stderr.flush()
        os._exit(1)  # what could not be written would be tried again on the way out


if __name__ == "__main__":
    main()
