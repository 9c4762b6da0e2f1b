"""A target that stops for a second: does the record show what its users would have waited?"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.fidelity.base import Bench, Check, Figure, NotMeasuredError, Outcome
from benchmarks.fidelity.generators import (
    Recorded,
    Running,
    closed_scenario,
    open_scenario,
    run_load,
    static_server,
)
from benchmarks.fidelity.statistics import median_estimate, percentile, share_above
from harness.records import Measure

RATE_PER_S = 200
USERS = 40
"""Five requests a second each: the same rate."""
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


def predict(rate_per_s: float, duration_s: float, frozen_s: tuple[float, float], usual_ms: float) -> Seen:
    """What users at a constant rate wait whose server stops from `frozen_s[0]` to `frozen_s[1]` after the start.

    A request due inside the freeze waits for its end, then takes as long as any.
    """
    begin_s, end_s = frozen_s
    waits_ms = []
    for index in range(round(rate_per_s * duration_s)):
        due_s = index / rate_per_s
        waited_s = end_s - due_s if begin_s <= due_s < end_s else 0.0
        waits_ms.append(waited_s * 1e3 + usual_ms)
    return Seen(percentile(waits_ms, 99), share_above(waits_ms, LIMIT_MS))


def judge(opened: Sequence[Frozen], closed: Sequence[Frozen]) -> tuple[Figure, ...]:
    """The open response time against arithmetic; and that closed users' service time falls far short of it."""
    return (
        _against(opened, "open arrivals: response time p99, against the predicted", lambda f: f.response.p99_ms,
                 lambda f: f.predicted.p99_ms),
        _against(opened, "open arrivals: share over 100 ms, against the predicted", lambda f: f.response.share,
                 lambda f: f.predicted.share),
        _missing(closed, "closed: service time p99, as part of what users waited", lambda f: f.service.p99_ms,
                 lambda f: f.predicted.p99_ms),
        _missing(closed, "closed: share over 100 ms, as part of what users waited", lambda f: f.service.share,
                 lambda f: f.predicted.share),
        Figure("predicted p99", median_estimate([f.predicted.p99_ms for f in opened]), "ms"),
        Figure("predicted share over 100 ms", median_estimate([100 * f.predicted.share for f in opened]), "%"),
        Figure("open arrivals: response time p99", median_estimate([f.response.p99_ms for f in opened]), "ms"),
        Figure("open arrivals: service time p99", median_estimate([f.service.p99_ms for f in opened]), "ms"),
        Figure("closed users: response time p99", median_estimate([f.response.p99_ms for f in closed]), "ms"),
        Figure("closed users: service time p99", median_estimate([f.service.p99_ms for f in closed]), "ms"),
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


def _freeze_under(bench: Bench, kind: str, duration_s: float) -> Frozen:
    scenario = (
        open_scenario(RATE_PER_S, duration_s, WARMUP_S)
        if kind == "open"
        else closed_scenario(USERS, duration_s, WARMUP_S)
    )
    with static_server(bench) as server:
        freezer = _Freezer(server.pid)
        recorded = run_load(bench, scenario, server.url, freezer.run)
    if freezer.frozen_s is None or recorded.not_ok:
        raise NotMeasuredError(f"the freeze did not happen, or {recorded.not_ok} requests failed")
    begin_s, end_s = (moment_s - WARMUP_S for moment_s in freezer.frozen_s)
    predicted = predict(RATE_PER_S, duration_s, (begin_s, end_s), recorded.p_ms(Measure.SERVICE, 50))
    return _frozen(recorded, predicted)


def _frozen(recorded: Recorded, predicted: Seen) -> Frozen:
    return Frozen(
        response=Seen.of(recorded, Measure.RESPONSE),
        service=Seen.of(recorded, Measure.SERVICE),
        predicted=predicted,
    )


def run(bench: Bench) -> Outcome:
    duration_s = bench.choose(25, 22)
    results: dict[str, list[Frozen]] = {"open": [], "closed": []}
    for number in range(1, bench.rounds(2, 1) + 1):
        for kind, found in results.items():
            bench.say(f"freeze {number} under {kind} load")
            found.append(_freeze_under(bench, kind, duration_s))
    return Outcome(judge(results["open"], results["closed"]), (_NOTE,))


_NOTE = (
    "The contrast is between open arrivals and closed users, and not between two columns of one run. Under open "
    "arrivals each request is sent when it is due, so that its service time shows the freeze as well; closed "
    "users, as stock tools have them, send nothing while they wait, so that the freeze meets one request of each "
    "and the rest are never sent. A closed user has no time at which a request was due: its response time is its "
    "service time. Compare latencies under open arrivals."
)

CHECK = Check(
    name="freeze",
    title="A second's freeze of the server",
    claim=(
        "A one-second freeze (SIGSTOP) of the server at a known time shows in the response-time histogram as "
        "arithmetic says (p99 and the share of requests over 100 ms within 10 % of the predicted), while service "
        "time alone, taken with closed users at the same rate, does not."
    ),
    method=(
        f"A static server is stopped for a second while {RATE_PER_S} requests/s arrive at a constant rate, and "
        f"again while {USERS} closed users send as many. A request due t before the end of the freeze is "
        "predicted to take t, plus the recorded median. The begin and end of the freeze are those of the "
        "signals, on the recorder's clock."
    ),
    run=run,
)
