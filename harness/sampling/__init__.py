"""Gauges read while the load runs, each by a thread of its own, so that one that hangs leaves a gap in its own
series only."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Protocol

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
    """A gauge to be read each `every_s`, or once, opened when sampling begins; `name` is that of its gaps.

    One that tells of what came since its reading before is read once more `at_end`.
    """

    name: str
    open_gauge: Callable[[], Gauge]
    every_s: float | None
    at_end: bool = False


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
        self._gauge, self._every_s, self._at_end = gauge, sampled.every_s, sampled.at_end

    def _read_on(self) -> None:
        while not self.stopping.is_set():
            self._read()
            self.stopping.wait(self._rest_s())
        if self._at_end:
            self._read()

    def _rest_s(self) -> float | None:
        if self._every_s is None:
            return None
        elapsed_s = self._journal.now_ns() / 1e9
        return self._every_s - elapsed_s % self._every_s

    def _read(self) -> None:
        try:
            self._journal.read(self._gauge.read())
        except UnreadableError as error:
            self._gap(str(error))


class Times(Protocol):
    """Whoever tells at the end of a phase how long connections were held in it."""

    def take(self, phase: str) -> Sequence[TimesReading]:
        """Since the last time. Raises UnreadableError where that is not to be had."""

    def close(self) -> None:
        """Let go of what is held."""


class TargetTimes:
    """Asks the target itself, over one kept-alive connection."""

    def __init__(self, target_url: str) -> None:
        self._reader = HttpReader(target_url, PATIENCE_S)

    def take(self, phase: str) -> Sequence[TimesReading]:
        try:
            taken = self._reader.ask("POST", "/health/times/take").document()
            return [
                TimesReading.model_validate({**_part(taken, of), "t_ns": NOT_STAMPED, "phase": phase, "of": of})
                for of in ("held", "release")
            ]
        except ValidationError as error:
            raise UnreadableError("no proper times") from error
        except UnusableAnswerError as error:
            raise UnreadableError(str(error)) from error

    def close(self) -> None:
        self._reader.close()


class _TimesTaker(_Sampler):
    """Takes the times at the end of each phase; a gap where nobody tells them."""

    def __init__(self, times: Times, phase_ends: queue.SimpleQueue[str], journal: Journal) -> None:
        super().__init__("times", journal)
        self._times, self._phase_ends = times, phase_ends

    def _read_on(self) -> None:
        while not self.stopping.is_set():
            with suppress(queue.Empty):
                self._take(self._phase_ends.get(timeout=0.05))

    def _take(self, phase: str) -> None:
        try:
            readings = self._times.take(phase)
        except UnreadableError as error:
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
    gauges: Sequence[Sampled],
    journal: Journal,
    phase_ends: queue.SimpleQueue[str],
    open_times: Callable[[], Times] | None,
) -> Iterator[None]:
    """Samplers at work while the block runs; `phase_ends` tells when a phase is over, and `open_times` whom
    to ask then for its times, if anybody. Raises what made a sampler fail, unless the block failed itself.
    """
    with ExitStack() as stack:
        samplers: list[_Sampler] = []
        if open_times is not None:
            times = open_times()
            stack.callback(times.close)
            samplers.append(_TimesTaker(times, phase_ends, journal))
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
