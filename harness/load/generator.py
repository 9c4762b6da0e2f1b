"""Runs a scenario's load under Locust, whoever puts it on (`harness.load.crowd`).

Locust's users and runner do the work; its statistics are left unread. Open arrivals run each in a greenlet of
their own; closed users are Locust's own.
"""

from __future__ import annotations

# In this order: the one sets how gevent works, the other has it patch the standard library.
import harness.load.event_loop  # noqa: F401

# isort: split
import locust  # noqa: F401

# isort: split
import ctypes
import gc
import random
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import count

import gevent
from gevent.event import Event as GeventEvent

from harness.load import messages
from harness.load.arrivals import WHOLE, Share, arrival_offsets_ns
from harness.load.crowd import Errand, crowd_of
from harness.load.samples import Arrival, Samples
from harness.records import GeneratorReading, Mark, MarkKind, reading_every_s
from scenarios.model import Phase

DOZE_NS = 100_000_000
"""The longest sleep that does not end when the load is told to stop: such a sleep costs less."""
FLUSH_EVERY_S = 0.1
HANDED_OVER_WITHIN_S = 10.0
"""How long the recorder may take for what waits at the end."""
PULSE_S = 0.02
FULL_COLLECTION_EVERY = 10_000
"""In collections of the middle generation; Python's own 10 is for programs with nothing to lose by a pause."""
_PR_SET_TIMERSLACK = 29


class Generator:
    """Runs a scenario's phases one after the other, from a given origin.

    Of several workers, each runs its `share`: every so-and-so-many-th arrival of the one seeded schedule, and its
    part of the closed users and of the cap. `emit` takes what is to be told. Raises CrowdError where there is
    nobody to put load on, now or in `run`.
    """

    def __init__(
        self, order: messages.LoadOrder, emit: Callable[[messages.Message], None], share: Share = WHOLE
    ) -> None:
        self.scenario = order.scenario
        self.samples = Samples(order.scenario, order.samples_fd, record_writes=order.record_writes)
        self.stopping = GeventEvent()  # set when the harness wants the load to end early
        self._emit = emit
        self._share = share
        self._in_flight_cap = share.of_number(order.scenario.in_flight_cap)
        self._arrivals_rng = random.Random(order.seed)
        self._phase = ""
        self._crowd = crowd_of(order, self.samples, share)
        self._greenlets: set[gevent.Greenlet] = set()
        self._notes: tuple[str, ...] = ()
        self._cpu_before_s = 0.0
        _spare_the_collector()
        _wake_promptly()

    def run(self, origin_ns: int) -> None:
        """Offer the load, let it drain, hand over the last sample."""
        self.samples.origin_ns = origin_ns
        self._cpu_before_s = time.process_time()
        gauges = gevent.spawn(self._gauge_forever)
        pulse = gevent.spawn(self._feel_pulse)
        start_ns = 0
        for index, phase in enumerate(self.scenario.phases):
            self._sleep_until(start_ns)
            if self.stopping.is_set():
                break
            end_ns = start_ns + round(phase.duration_s * 1e9)
            self._phase = phase.name
            if index == 0:
                self._mark(MarkKind.LOAD_START, "", start_ns)
            self._mark(MarkKind.PHASE_START, phase.name, start_ns)
            self._run_phase(phase, start_ns)
            self._sleep_until(end_ns)
            self._mark(MarkKind.PHASE_END, phase.name, end_ns)
            start_ns = end_ns
        self._mark(MarkKind.LOAD_END, "", start_ns)
        self._drain()
        self._mark(MarkKind.DRAINED, "")
        gevent.killall([gauges, pulse])
        self._gauge()
        self.samples.finish(HANDED_OVER_WITHIN_S)

    def _run_phase(self, phase: Phase, start_ns: int) -> None:
        self._crowd.enter(phase)
        if phase.arrivals is None:
            return
        schedule = arrival_offsets_ns(phase.arrivals, phase.duration_s, self._arrivals_rng)
        for offset_ns in self._share.of_arrivals(schedule):
            errand = self._crowd.errand(phase)
            self._sleep_until(start_ns + offset_ns - self.samples.lead.ns)
            if self.stopping.is_set():
                return
            if len(self._greenlets) >= self._in_flight_cap:
                self.samples.not_started += 1
                continue
            greenlet = gevent.spawn(self._one_arrival, errand, start_ns + offset_ns)
            self._greenlets.add(greenlet)
            greenlet.rawlink(self._greenlets.discard)

    def _one_arrival(self, errand: Errand, intended_ns: int) -> None:
        with self.samples.arrival(Arrival(intended_ns, errand.operation)):
            errand.run()

    def _sleep_until(self, t_ns: int) -> None:
        """Up to a mark, or a little beyond: sleeps end some tens of microseconds late."""
        mark_ns = self.samples.origin_ns + t_ns
        while not self.stopping.is_set():
            left_ns = mark_ns - time.monotonic_ns()
            if left_ns <= 0:
                return
            if left_ns > DOZE_NS:
                self.stopping.wait(left_ns / 1e9)
            else:
                gevent.sleep(left_ns / 1e9)

    def _drain(self) -> None:
        """Closed users end their request and go; open requests get as long; the rest is given up."""
        drain_s = 0.2 if self.stopping.is_set() else self.scenario.drain_s
        deadline_s = time.monotonic() + drain_s
        self.samples.closing = True
        self._crowd.leave(drain_s)
        gevent.joinall(list(self._greenlets), timeout=max(0.0, deadline_s - time.monotonic()))
        gevent.sleep(0)  # those set off a moment ago begin, and are counted
        self.samples.abort()
        gevent.killall(list(self._greenlets), block=False)
        self._notes = tuple(self._crowd.close())

    def _mark(self, kind: MarkKind, phase: str, planned_ns: int | None = None) -> None:
        t_ns = time.monotonic_ns() - self.samples.origin_ns
        self._emit(messages.Marked(mark=Mark(t_ns=t_ns, kind=kind, phase=phase, planned_ns=planned_ns)))

    def _gauge_forever(self) -> None:
        flushes = round(reading_every_s(self.scenario) / FLUSH_EVERY_S)
        for flush in count(1):
            gevent.sleep(FLUSH_EVERY_S)
            if flush % flushes == 0:
                self._gauge()
            self.samples.flush()

    def _feel_pulse(self) -> None:
        """How long the loop did not turn: what a short sleep takes beyond its time."""
        while True:
            before_ns = time.monotonic_ns()
            gevent.sleep(PULSE_S)
            gap_ns = time.monotonic_ns() - before_ns - round(PULSE_S * 1e9)
            self.samples.loop_gap_max_ns = max(self.samples.loop_gap_max_ns, gap_ns)

    def account(self) -> messages.Done:
        """The totals, at the end."""
        samples = self.samples
        return messages.Done(
            started=samples.started,
            completed=samples.completed,
            not_started=samples.not_started,
            aborted=samples.aborted,
            acknowledged_transfers=samples.acknowledged_transfers,
            cpu_s=self._cpu_s(),
            under_way=len(samples.under_way),
            requests=dict(samples.requests),
            failure=samples.failure,
            notes=self._notes,
        )

    def _cpu_s(self) -> float:
        return round(time.process_time() - self._cpu_before_s, 4)

    def _gauge(self) -> None:
        samples = self.samples
        late_ns, samples.late_max_ns = samples.late_max_ns, 0
        gap_ns, samples.loop_gap_max_ns = samples.loop_gap_max_ns, 0
        reading = GeneratorReading(
            t_ns=time.monotonic_ns() - samples.origin_ns,
            phase=self._phase,
            users=self._crowd.users,
            in_flight=len(samples.under_way),
            started_total=samples.started,
            completed_total=samples.completed,
            not_started_total=samples.not_started,
            late_max_ms=late_ns / 1e6,
            loop_gap_max_ms=gap_ns / 1e6,
            busiest_cpu_s=self._cpu_s(),
        )
        self._emit(messages.Gauged(reading=reading))


def _spare_the_collector() -> None:
    """Hardly ever collect garbage among all that is loaded: going through it stops the loop for tens of ms.

    What a request leaves behind dies young, in the collections that go on as ever.
    """
    gc.set_threshold(*gc.get_threshold()[:2], FULL_COLLECTION_EVERY)


def _wake_promptly() -> None:
    """Have Linux wake this process when it asked to be: by default it takes 50 us more, to save power.

    prctl(2), PR_SET_TIMERSLACK. Elsewhere, or where it is refused, starts are that much later.
    """
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_TIMERSLACK, 1, 0, 0, 0)
