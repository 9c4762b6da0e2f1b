"""The load process: Locust, headless, in a process of its own. The only module that knows Locust.

Locust's users, HTTP client and runner do the work; its statistics are left unread. Open arrivals run each
request in a greenlet of its own, on one shared client; closed users are Locust's own. Orders come in on
standard input and events leave on standard output (`harness.load.messages`); samples go to the recorder.
"""

from __future__ import annotations

# In this order: the one sets how gevent works, the other has it patch the standard library.
import harness.load.event_loop  # noqa: F401

# isort: split
import locust

# isort: split
import ctypes
import fcntl
import gc
import os
import random
import signal
import sys
import time
from bisect import bisect_right
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar
from itertools import accumulate, count
from typing import Any

import gevent
from gevent.event import Event as GeventEvent
from locust.env import Environment
from locust.event import EventHook
from locust.exception import StopUser

from harness.load import messages
from harness.load.arrivals import WHOLE, Lead, Share, arrival_offsets_ns
from harness.load.classify import classify
from harness.records import GeneratorReading, Mark, MarkKind, Outcome, reading_every_s
from scenarios.http_client import Response
from scenarios.model import Phase, Scenario
from scenarios.users import BEHAVIOURS, PoolUser

SPIN_NS = 50_000
"""How long before its time a request stops sleeping and only yields: about as much as timers wake late."""
DOZE_NS = 100_000_000
"""The longest sleep that does not end when the load is told to stop: such a sleep costs less."""
FLUSH_EVERY_S = 0.1
PULSE_S = 0.02
FULL_COLLECTION_EVERY = 10_000
"""In collections of the middle generation; Python's own 10 is for programs with nothing to lose by a pause."""
_PR_SET_TIMERSLACK = 29
PIPE_BYTES = 1 << 20
"""As much as Linux gives to anyone: samples of seconds, so that a recorder kept waiting does not stop the load."""
_INTENDED_NS: ContextVar[int | None] = ContextVar("intended_ns", default=None)
_OPERATION: ContextVar[str | None] = ContextVar("operation", default=None)


class Samples:
    """Hands requests to the recorder, and keeps the few totals that gauges need."""

    def __init__(self, scenario: Scenario, samples_fd: int) -> None:
        self._fd = samples_fd
        _widen(samples_fd)
        self._phases = [phase.name for phase in scenario.phases]
        ends_s = accumulate(phase.duration_s for phase in scenario.phases)
        self._ends_ns = [round(end_s * 1e9) for end_s in ends_s]
        self._numbers: dict[tuple[str, str, Outcome, str], int] = {}
        self._lines: list[str] = []
        self._tickets = count()
        self.under_way: dict[int, tuple[str, int]] = {}  # ticket -> operation, intended_ns
        self.lead = Lead()
        self.origin_ns = 0
        self.started = self.completed = self.not_started = self.aborted = 0
        self.acknowledged_transfers = 0
        self.late_max_ns = 0
        self.loop_gap_max_ns = 0
        self.closing = False  # no closed user begins another request

    def phase_at(self, t_ns: int) -> str:
        """The phase that a request intended at `t_ns` after the origin belongs to."""
        return self._phases[min(bisect_right(self._ends_ns, t_ns), len(self._phases) - 1)]

    def begin(self, operation: str) -> dict[str, Any]:
        """Open a request's account; what it returns travels with the request."""
        intended_ns = _INTENDED_NS.get()
        if intended_ns is None:
            if self.closing:
                raise StopUser
            intended_ns = time.monotonic_ns() - self.origin_ns
        self.started += 1
        ticket = next(self._tickets)
        self.under_way[ticket] = (operation, intended_ns)
        return {"ticket": ticket}

    def await_due(self) -> None:
        """A request is ready to go: one that has a time of its own waits for it.

        It sleeps short of the mark and yields up to it, since a sleep ends some tens of microseconds late.
        """
        intended_ns = _INTENDED_NS.get()
        if intended_ns is None:
            return
        due_ns = intended_ns + self.origin_ns
        late_ns = time.monotonic_ns() - due_ns
        self.lead.learn(late_ns)
        while late_ns < 0:
            gevent.sleep(max(0, -late_ns - SPIN_NS) / 1e9)
            late_ns = time.monotonic_ns() - due_ns
        self.late_max_ns = max(self.late_max_ns, late_ns)

    def end(self, *, name: str, response: Response, context: dict[str, Any], **_: Any) -> None:
        """Locust's request event: classify and hand over."""
        entry = self.under_way.pop(context.get("ticket", -1), None)
        if entry is None:
            return  # given up before; it was counted as aborted
        outcome, kind = classify(response.status_code, response.content, response.error)
        self.completed += 1
        self.acknowledged_transfers += name == "transfer" and outcome is Outcome.OK
        intended_ns = entry[1]
        service_ns = response.received_ns - response.sent_ns
        closed = _INTENDED_NS.get() is None  # such a user intends to send when it does
        response_ns = service_ns if closed else response.received_ns - self.origin_ns - intended_ns
        timing = response.headers.get("server-timing", "")
        self._add(name, outcome, kind, intended_ns, response_ns, service_ns, timing)

    def abort(self) -> None:
        """Close the account of what is still under way: the harness gave it up."""
        now_ns = time.monotonic_ns() - self.origin_ns
        for operation, intended_ns in self.under_way.values():
            self.aborted += 1
            waited_ns = now_ns - intended_ns
            self._add(operation, Outcome.ABORTED, "given-up", intended_ns, waited_ns, waited_ns)
        self.under_way.clear()

    def _add(
        self,
        operation: str,
        outcome: Outcome,
        kind: str,
        intended_ns: int,
        response_ns: int,
        service_ns: int,
        timing: str = "",
    ) -> None:
        phase = self.phase_at(intended_ns)
        series = (operation, phase, outcome, kind)
        number = self._numbers.get(series)
        if number is None:
            number = self._numbers[series] = len(self._numbers)
            self._lines.append(messages.series_line(number, *series))
        self._lines.append(messages.sample_line(number, intended_ns, response_ns, service_ns, timing))

    def flush(self) -> None:
        """Write what has gathered to the recorder's pipe."""
        lines, self._lines = self._lines, []
        data = "".join(lines).encode("ascii")
        while data:
            data = data[os.write(self._fd, data) :]


class Generator:
    """Runs a scenario's phases one after the other, from a given origin.

    Of several workers, each runs its `share`: every so-and-so-many-th arrival of the one seeded schedule, and its
    part of the closed users and of the cap. `emit` takes what is to be told.
    """

    def __init__(
        self, order: messages.LoadOrder, emit: Callable[[messages.Message], None], share: Share = WHOLE
    ) -> None:
        self.scenario = order.scenario
        self.samples = Samples(order.scenario, order.samples_fd)
        self.stopping = GeventEvent()  # set when the harness wants the load to end early
        self._emit = emit
        self._share = share
        self._in_flight_cap = share.of_number(order.scenario.in_flight_cap)
        self._rng = random.Random(f"{order.seed}/{share.index}")
        self._arrivals_rng = random.Random(order.seed)
        self._phase = ""
        classes = {phase.behaviour: BEHAVIOURS[phase.behaviour] for phase in order.scenario.phases}
        for user_class in classes.values():
            user_class.rng = self._rng
            user_class.host = order.host
            user_class.timeout_s = order.scenario.request_timeout_s
            user_class.annotate = _annotator(self.samples)
            user_class.before_send = self.samples.await_due
        self._environment = Environment(user_classes=list(classes.values()), host=order.host)
        self._environment.stop_timeout = order.scenario.drain_s
        self._runner = self._environment.create_local_runner()
        # A new event, without the runner's listener: its statistics would be kept for nobody.
        self._environment.events.request = EventHook()  # type: ignore[no-untyped-call]
        self._environment.events.request.add_listener(self.samples.end)  # type: ignore[no-untyped-call]
        self._open_users = {name: user_class(self._environment) for name, user_class in classes.items()}
        self._greenlets: set[gevent.Greenlet] = set()
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
        self.samples.flush()

    def _run_phase(self, phase: Phase, start_ns: int) -> None:
        if phase.users is not None:
            user_class = BEHAVIOURS[phase.behaviour]
            users = self._share.of_number(phase.users)
            self._runner.start(users, spawn_rate=max(1, users), user_classes=[user_class])
            return
        assert phase.arrivals is not None
        if self._runner.user_count:
            self._runner.stop()
        user = self._open_users[phase.behaviour]
        schedule = arrival_offsets_ns(phase.arrivals, phase.duration_s, self._arrivals_rng)
        for offset_ns in self._share.of_arrivals(schedule):
            task = self._rng.choice(user.tasks)
            self._sleep_until(start_ns + offset_ns - self.samples.lead.ns)
            if self.stopping.is_set():
                return
            if len(self._greenlets) >= self._in_flight_cap:
                self.samples.not_started += 1
                continue
            greenlet = gevent.spawn(self._one_arrival, task, user, start_ns + offset_ns)
            self._greenlets.add(greenlet)
            greenlet.rawlink(self._greenlets.discard)

    @staticmethod
    def _one_arrival(task: Any, user: PoolUser, intended_ns: int) -> None:
        _INTENDED_NS.set(intended_ns)  # each greenlet has a context of its own
        _OPERATION.set(task.__name__)
        task(user)

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
        self._environment.stop_timeout = drain_s
        if self._runner.user_count:
            self._runner.stop()
        gevent.joinall(list(self._greenlets), timeout=max(0.0, deadline_s - time.monotonic()))
        self.samples.abort()
        gevent.killall(list(self._greenlets), block=False)

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
            users=self._runner.user_count,
            in_flight=len(samples.under_way),
            started_total=samples.started,
            completed_total=samples.completed,
            not_started_total=samples.not_started,
            late_max_ms=late_ns / 1e6,
            loop_gap_max_ms=gap_ns / 1e6,
            busiest_cpu_s=self._cpu_s(),
        )
        self._emit(messages.Gauged(reading=reading))


def _annotator(samples: Samples) -> Any:
    """What `PoolUser.context` calls as each request is about to be sent."""

    def annotate(user: PoolUser) -> dict[str, Any]:
        operation = _OPERATION.get()
        if operation is None:
            operation = getattr(user.tasks[0], "__name__", "any") if len(user.tasks) == 1 else "any"
        return samples.begin(operation)

    return annotate


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


def _widen(pipe_fd: int) -> None:
    """Let the pipe hold more, where the system can and will."""
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        with suppress(OSError):
            fcntl.fcntl(pipe_fd, fcntl.F_SETPIPE_SZ, PIPE_BYTES)


def to_standard_output(event: messages.Message) -> None:
    """Tell the harness that started this process."""
    sys.stdout.buffer.write(event.model_dump_json().encode() + b"\n")  # UTF-8 whatever the locale
    sys.stdout.flush()


def main() -> None:
    """`python -m harness.load.process`: see the module's text."""
    order = messages.LoadOrder.model_validate_json(sys.stdin.buffer.readline())
    generator = Generator(order, to_standard_output)
    gevent.signal_handler(signal.SIGTERM, generator.stopping.set)
    to_standard_output(messages.Ready(locust=locust.__version__))
    start = sys.stdin.buffer.readline()
    if not start:
        return  # the harness has gone
    generator.run(messages.StartOrder.model_validate_json(start).origin_ns)
    os.close(order.samples_fd)
    to_standard_output(generator.account())


if __name__ == "__main__":
    main()
