"""A target that stops for a second: does the record show what its users would have waited?"""

from __future__ import annotations

import math
import os
import signal
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks.fidelity.base import Bench, Check, Figure, NotMeasuredError, Outcome
from benchmarks.fidelity.comparison import level
from benchmarks.fidelity.generators import (
    Recorded,
    Running,
    climb,
    closed_scenario,
    open_scenario,
    run_load,
    static_server,
)
from benchmarks.fidelity.statistics import Estimate, median_estimate, percentile, share_above
from benchmarks.fidelity.target import serving
from harness.environment.stack import StackOptions, running_stack
from harness.records import Measure
from scenarios.model import PoolOverrides

STATIC = "static server"
TARGET = "async-pool"
POOL: PoolOverrides = {"max_overflow": 0}
"""As it comes it would open connections for those who waited, in their own time: 50 ms more for 40 of them."""
RATES_PER_S = {STATIC: 200, TARGET: 40}
"""The target's is low, so that in whichever order it serves those who waited makes little of a second."""
REQUESTS_PER_USER_S = 5
"""What a closed user sends."""
CROWDS = (200, 300)
"""Closed users under whom the target gives all it can."""
WARMUP_S = 1.0
FREEZE_AT_S = 5.0
FREEZE_S = 1.0
LIMIT_MS = 100.0
TOLERANCE_PERCENT = 10.0


@dataclass(frozen=True, slots=True)
class Seen:
    """p99 in milliseconds, and the share of requests over `LIMIT_MS`."""

    p99_ms: float
    share: float

    @classmethod
    def of(cls, recorded: Recorded, measure: Measure) -> Seen:
        """As recorded in the steady phase. Raises NotMeasuredError where nothing was."""
        return cls(recorded.p_ms(measure, 99), recorded.share_above(measure, LIMIT_MS))


@dataclass(frozen=True, slots=True)
class Frozen:
    """One load with a freeze: what was recorded, and what arithmetic predicts from when it began and ended."""

    response: Seen
    service: Seen
    predicted: Seen


def predict(
    rate_per_s: float, duration_s: float, frozen_s: tuple[float, float], usual_ms: float, busy_ms: float = 0.0
) -> Seen:
    """What users at a constant rate wait whose server stops from `frozen_s[0]` to `frozen_s[1]` after the start.

    A request due inside the freeze waits for its end. Those that are there at the same time are served side by
    side, as an event loop does, each of which keeps the server busy for `busy_ms`. Alone it takes `usual_ms`.
    """
    begin_s, end_s = frozen_s
    dues_s = [index / rate_per_s for index in range(round(rate_per_s * duration_s))]
    begins_s = [end_s if begin_s <= due_s < end_s else due_s for due_s in dues_s]
    ends_s = served_side_by_side(begins_s, busy_ms / 1e3)
    waits_ms = [(done_s - due_s) * 1e3 - busy_ms + usual_ms for due_s, done_s in zip(dues_s, ends_s, strict=True)]
    return Seen(percentile(waits_ms, 99), share_above(waits_ms, LIMIT_MS))


def served_side_by_side(begins_s: Sequence[float], busy_s: float) -> list[float]:
    """When equal requests end that begin in this order and share a server evenly (processor sharing).

    In virtual time, which runs the slower the more there are, each ends `busy_s` after it has begun. (Kleinrock,
    Time-shared Systems: A theoretical treatment, 1967.)
    """
    ends_s: list[float] = []
    present: deque[float] = deque()  # virtual ends
    now_s = virtual_s = 0.0
    for begin_s in (*begins_s, math.inf):
        while present and now_s + (present[0] - virtual_s) * len(present) <= begin_s:
            now_s += (present[0] - virtual_s) * len(present)
            virtual_s = present.popleft()
            ends_s.append(now_s)
        if present:
            virtual_s += (begin_s - now_s) / len(present)
        now_s = begin_s
        present.append(virtual_s + busy_s)
    return ends_s


def judge(server: str, opened: Sequence[Frozen], closed: Sequence[Frozen]) -> tuple[Figure, ...]:
    """The open response time against arithmetic; and that closed users' service time falls far short of it."""

    def shown(name: str, rounds: Sequence[Frozen], pick: _Pick, unit: str = "ms") -> Figure:
        return level(f"{server}, {name}", [pick(frozen) for frozen in rounds], unit)

    return (
        _against(opened, f"{server}, open arrivals: response time p99, against the predicted",
                 lambda f: f.response.p99_ms, lambda f: f.predicted.p99_ms),
        _against(opened, f"{server}, open arrivals: share over 100 ms, against the predicted",
                 lambda f: f.response.share, lambda f: f.predicted.share),
        _missing(closed, f"{server}, closed: service time p99, as part of what users waited",
                 lambda f: f.service.p99_ms, lambda f: f.predicted.p99_ms),
        _missing(closed, f"{server}, closed: share over 100 ms, as part of what users waited",
                 lambda f: f.service.share, lambda f: f.predicted.share),
        shown("predicted p99", opened, lambda f: f.predicted.p99_ms),
        shown("predicted share over 100 ms", opened, lambda f: 100 * f.predicted.share, "%"),
        shown("open arrivals: response time p99", opened, lambda f: f.response.p99_ms),
        shown("open arrivals: service time p99", opened, lambda f: f.service.p99_ms),
        shown("closed users: response time p99", closed, lambda f: f.response.p99_ms),
        shown("closed users: service time p99", closed, lambda f: f.service.p99_ms),
    )  # fmt: skip


_Pick = Callable[[Frozen], float]


def _against(rounds: Sequence[Frozen], name: str, seen: _Pick, predicted: _Pick) -> Figure:
    deviations = [100 * (seen(frozen) / predicted(frozen) - 1) for frozen in rounds]
    bound = f"within {TOLERANCE_PERCENT:g} %"
    return Figure(
        name, median_estimate(deviations), "%", at_most=TOLERANCE_PERCENT, at_least=-TOLERANCE_PERCENT, bound=bound
    )


def _missing(rounds: Sequence[Frozen], name: str, seen: _Pick, predicted: _Pick) -> Figure:
    parts = [100 * seen(frozen) / predicted(frozen) for frozen in rounds]
    at_most = 100 - TOLERANCE_PERCENT
    return Figure(name, median_estimate(parts), "%", at_most=at_most, bound=f"misses it: below {at_most:g} %")


class _Freezer:
    """Stops a process at a known time, and always lets it go on."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self.frozen_s: tuple[float, float] | None = None  # from the origin

    def run(self, running: Running) -> None:
        running.sleep_until(WARMUP_S + FREEZE_AT_S)
        begin_ns = time.monotonic_ns()
        os.kill(self._pid, signal.SIGSTOP)
        try:
            time.sleep(FREEZE_S)
        finally:
            os.kill(self._pid, signal.SIGCONT)
        end_ns = time.monotonic_ns()
        self.frozen_s = ((begin_ns - running.origin_ns) / 1e9, (end_ns - running.origin_ns) / 1e9)


@dataclass(frozen=True, slots=True)
class _Victim:
    """What is to be stopped; each request keeps it busy for `busy_ms`."""

    name: str
    url: str
    pid: int
    busy_ms: float = 0.0


@contextmanager
def _a_static_server(bench: Bench) -> Iterator[_Victim]:
    with static_server(bench) as server:
        yield _Victim(STATIC, server.url, server.pid)


@contextmanager
def _a_target(bench: Bench) -> Iterator[_Victim]:
    with running_stack(StackOptions(), bench.say) as stack, serving(bench, stack, TARGET, pool=POOL) as target:
        step_s = bench.choose(3.0, 1.5)
        most = max(climb(bench, target.url, CROWDS, step_s).values())
        yield _Victim(TARGET, target.url, target.pid, busy_ms=1e3 * step_s / most)


def _freeze_under(bench: Bench, victim: _Victim, kind: str, duration_s: float) -> Frozen:
    rate_per_s = RATES_PER_S[victim.name]
    scenario = (
        open_scenario(rate_per_s, duration_s, WARMUP_S)
        if kind == "open"
        else closed_scenario(rate_per_s // REQUESTS_PER_USER_S, duration_s, WARMUP_S)
    )
    freezer = _Freezer(victim.pid)
    recorded = run_load(bench, scenario, victim.url, freezer.run)
    if freezer.frozen_s is None or recorded.not_ok:
        raise NotMeasuredError(f"the freeze did not happen, or {recorded.not_ok} requests failed")
    frozen_s = (freezer.frozen_s[0] - WARMUP_S, freezer.frozen_s[1] - WARMUP_S)
    usual_ms = recorded.p_ms(Measure.SERVICE, 50)
    return Frozen(
        response=Seen.of(recorded, Measure.RESPONSE),
        service=Seen.of(recorded, Measure.SERVICE),
        predicted=predict(rate_per_s, duration_s, frozen_s, usual_ms, victim.busy_ms),
    )


def _freezes(bench: Bench, victim: _Victim) -> Mapping[str, list[Frozen]]:
    duration_s = bench.choose(25, 22)
    results: dict[str, list[Frozen]] = {"open": [], "closed": []}
    for number in range(1, bench.rounds(2, 1) + 1):
        for kind, found in results.items():
            bench.say(f"{victim.name}, freeze {number} under {kind} load")
            found.append(_freeze_under(bench, victim, kind, duration_s))
    return results


def run(bench: Bench) -> Outcome:
    figures: list[Figure] = []
    for victims in (_a_target, _a_static_server):
        with victims(bench) as victim:
            results = _freezes(bench, victim)
        figures += judge(victim.name, results["open"], results["closed"])
        if victim.busy_ms:
            busy = Estimate.exact(victim.busy_ms)
            figures.append(Figure(f"{victim.name}, time of a request at its highest rate", busy, "ms"))
    return Outcome(tuple(figures), (_NOTE,))


_NOTE = (
    "The contrast is between open arrivals and closed users, and not between two columns of one run. Under open "
    "arrivals each request is sent when it is due, so that its service time shows the freeze as well; closed "
    "users, as stock tools have them, send nothing while they wait, so that the freeze meets one request of each "
    "and the rest are never sent. A closed user has no time at which a request was due: its response time is its "
    "service time. Compare latencies under open arrivals."
)

CHECK = Check(
    name="freeze",
    title="A second's freeze of the target",
    claim=(
        "A one-second freeze (SIGSTOP) of the target at a known time shows in the response-time histogram as "
        "arithmetic says (p99 and the share of requests over 100 ms within 10 % of the predicted), while service "
        "time alone, taken with closed users at the same rate, does not."
    ),
    method=(
        f"{TARGET}, with PostgreSQL behind Toxiproxy, is stopped for a second while {RATES_PER_S[TARGET]} "
        "requests/s arrive at a constant rate, and again while closed users send as many; then the same with a "
        f"static server and {RATES_PER_S[STATIC]} requests/s. A request due t before the end of the freeze is "
        "predicted to take t, plus the recorded median, plus, with the target, the time that it needs for all who "
        "are there at once, served side by side at the highest rate that it was seen to give. Its pool has no "
        "overflow, as connections opened for those who waited would take time of their own. The begin and end of "
        "the freeze are those of the signals, on the recorder's clock."
    ),
    run=run,
)
