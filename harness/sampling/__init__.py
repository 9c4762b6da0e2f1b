"""Gauges read while the load runs, each by a thread of its own, so that one that hangs leaves a gap in its own
series only."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass

from pydantic import ValidationError

from harness.http_reader import HttpReader, UnusableAnswerError
from harness.journal import Journal
from harness.records import GapReading, TimesReading
from harness.sampling.gauges import NOT_STAMPED, PATIENCE_S, Gauge, UnreadableError

HOST_EVERY_S = 0.5
"""At most so often; processor time is counted in hundredths of a second."""
BANK_EVERY_S = 1.0
"""At most so often: counting the money goes through a thousand accounts."""


@dataclass(frozen=True, slots=True)
class Sampled:
    """A gauge to be read each `every_s`, opened when sampling begins; `name` is that of its gaps."""

    name: str
    open_gauge: Callable[[], Gauge]
    every_s: float


class _Sampler(threading.Thread):
    """Base of what reads on a thread: `run` may fail, and whoever samples is told."""

    def __init__(self, name: str, journal: Journal) -> None:
        super().__init__(name=f"sampler-{name}", daemon=True)
        self._gauge_name = name
        self._journal = journal
        self.stopping = threading.Event()
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            self._read_on()
        except Exception as error:  # a defect of ours, or an output that is full
            self.error = error

    def _read_on(self) -> None:
        raise NotImplementedError

    def _gap(self, reason: str) -> None:
        self._journal.read(GapReading(t_ns=NOT_STAMPED, of=self._gauge_name, reason=reason))


class _GaugeReader(_Sampler):
    """Reads one gauge at fixed moments after the origin; a moment that was missed is not made up for."""

    def __init__(self, sampled: Sampled, gauge: Gauge, journal: Journal) -> None:
        super().__init__(sampled.name, journal)
        self._gauge, self._every_s = gauge, sampled.every_s

    def _read_on(self) -> None:
        while not self.stopping.is_set():
            try:
                self._journal.read(self._gauge.read())
            except UnreadableError as error:
                self._gap(str(error))
            elapsed_s = self._journal.now_ns() / 1e9
            self.stopping.wait(self._every_s - elapsed_s % self._every_s)


class _TimesTaker(_Sampler):
    """Takes at the end of each phase how long connections were held in it; a gap where the target does not say."""

    def __init__(self, target_url: str, phase_ends: queue.SimpleQueue[str], journal: Journal) -> None:
        super().__init__("times", journal)
        self._target_url, self._phase_ends = target_url, phase_ends

    def _read_on(self) -> None:
        with HttpReader(self._target_url, PATIENCE_S) as reader:
            while not self.stopping.is_set():
                with suppress(queue.Empty):
                    self._take(reader, self._phase_ends.get(timeout=0.05))

    def _take(self, reader: HttpReader, phase: str) -> None:
        try:
            taken = reader.ask("POST", "/health/times/take").document()
            readings = [
                TimesReading.model_validate({**_part(taken, of), "t_ns": NOT_STAMPED, "phase": phase, "of": of})
                for of in ("held", "release")
            ]
        except ValidationError:
            self._gap("no proper times")
        except UnusableAnswerError as error:
            self._gap(str(error))
        else:
            for reading in readings:
                self._journal.read(reading)


def _part(taken: dict[str, object], of: str) -> dict[str, object]:
    part = taken.get(of)
    if not isinstance(part, dict):
        raise UnusableAnswerError(f"the answer has no {of}")
    return part


@contextmanager
def sampling(
    gauges: Sequence[Sampled], journal: Journal, phase_ends: queue.SimpleQueue[str], times_of: str | None
) -> Iterator[None]:
    """Samplers at work while the block runs; `phase_ends` tells when a phase is over, `times_of` is the URL of the
    target that is then asked for its times, if any. Raises what made a sampler fail, unless the block failed
    itself.
    """
    with ExitStack() as stack:
        samplers: list[_Sampler] = [_TimesTaker(times_of, phase_ends, journal)] if times_of else []
        for sampled in gauges:
            gauge = sampled.open_gauge()
            stack.callback(gauge.close)
            samplers.append(_GaugeReader(sampled, gauge, journal))
        for sampler in samplers:
            sampler.start()
        try:
            yield
        finally:
            for sampler in samplers:
                sampler.stopping.set()
            for sampler in samplers:
                sampler.join()
        for sampler in samplers:
            if sampler.error is not None:
                raise sampler.error
