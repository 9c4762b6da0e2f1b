"""Whether a trial that was carried through may be used at all: one small rule each, pure.

The harness writes down what it saw and judges nothing. A trial that breaks a rule is invalid: it is shown, with
what was seen and what to try next, and left out of every figure. A rule is a function under `@rule`; adding one
edits no list. What an older run did not record breaks no rule.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from harness.records import GeneratorReading, HostReading, MarkKind, reading_every_s
from reports.analysis.counts import processor_s
from reports.analysis.folding import ALL, Observed, together
from reports.analysis.windows import FaultSpan
from reports.documents import SEALED_SINCE
from reports.files import reason_of
from reports.read import Trial
from scenarios.model import Phase, Scenario

LATE_MS = 20.0
LATE_SHARE_OF_P50 = 0.1
LATE_READINGS = 0.05
FEWEST_LATE_READINGS = 3
HICCUP_S = 0.1
"""A generator is late where more than this share of a phase's readings (and three at least, for one hiccup may
reach into two; each stands for 100 ms, also where they are further apart) saw a start later than `LATE_MS` or
`LATE_SHARE_OF_P50` of the phase's median response time, whichever is more."""
LAG_MS = 2.0
LAG_SHARE = 0.1
"""It is late, too, where the typical start was: where the median response time is more than 2 ms, and more than a
tenth, above the median service time, so that it is the generator's figure as much as the target's. (Less than that
is a caveat, and the breakdown's lag.)"""
LOOP_GAP_MS = 250.0
BUSY_CORE = 0.9
"""A generator that used more than this share of one core may have been held up by itself."""
LEAST_WATCHED_S = 1.0
SATURATED_PERCENT = 95.0
STEAL_PERCENT = 5.0

DAMAGED = "record-damaged"
DAMAGED_ADVICE = "Restore the trial's folder from a copy, or run it again; the other trials are not affected."
CRASH_ADVICE = "Please report this with the run folder: it is a fault of poolstorm's."

_FREE_THE_HOST = "Free the host, or lower the rate, and run it again."


@dataclass(frozen=True, slots=True)
class Doubt:
    """A rule that a trial breaks: what was seen, in words without a full stop, and what to try next."""

    rule: str
    reason: str
    advice: str


Look = Callable[[Observed], str | None]
"""What is wrong, in words, or None."""

_RULES: dict[str, tuple[Look, str]] = {}


def rule(name: str, advice: str) -> Callable[[Look], Look]:
    """Register a rule under a name that stays."""

    def register(look: Look) -> Look:
        _RULES[name] = (look, advice)
        return look

    return register


def doubts(one: Observed) -> tuple[Doubt, ...]:
    """Every rule that the trial breaks; none for a valid one."""
    found = []
    for name, (look, advice) in _RULES.items():
        try:
            reason = look(one)
        except Exception as error:  # no rule takes a report down; what could not be judged is not passed
            said = f"the rule {name} could not be applied ({type(error).__name__}: {reason_of(error)})"
            found.append(Doubt(name, said, CRASH_ADVICE))
            continue
        if reason is not None:
            found.append(Doubt(name, reason, advice))
    return tuple(found)


def damaged(reason: str) -> tuple[Doubt, ...]:
    """The doubt about a trial whose record is not whole."""
    return (Doubt(DAMAGED, reason, DAMAGED_ADVICE),)


def proves_faults(trials: Iterable[Trial]) -> bool:
    """Whether the run was recorded by a poolstorm that proves faults and asks for conformance.

    Since format 2 all do; in the first format that shows in what they recorded.
    """
    kinds = (MarkKind.PROVED, MarkKind.UNPROVED)
    trials = list(trials)
    if any(trial.record.version >= SEALED_SINCE for trial in trials):
        return True
    return any(trial.record.conformance or any(mark.kind in kinds for mark in trial.marks) for trial in trials)


def _in_phase(trial: Trial, phase: Phase) -> list[GeneratorReading]:
    return [reading for reading in trial.readings_of(GeneratorReading) if reading.phase == phase.name]


@rule("generator-late", f"Response times include that delay. {_FREE_THE_HOST}")
def _generator_was_late(one: Observed) -> str | None:
    for phase in one.counting:
        fold = one.fold.phases.get((phase.name, ALL))
        if phase.arrivals is None or fold is None:
            continue
        p50_ms = together(fold).quantiles_ms(500)[0] or 0.0
        limit_ms = max(LATE_MS, LATE_SHARE_OF_P50 * p50_ms)
        late_ms = [reading.late_max_ms for reading in _in_phase(one.trial, phase)]
        late = sum(value > limit_ms for value in late_ms)
        watched_s = len(late_ms) * _reading_every_s(one)
        if late >= FEWEST_LATE_READINGS and late * HICCUP_S > LATE_READINGS * watched_s:
            return (
                f"the load generator started requests more than {limit_ms:.0f} ms late in {late} of "
                f"{len(late_ms)} readings of {phase.name}, at worst {max(late_ms):.0f} ms"
            )
        service_ms, response_ms = (part.quantiles_ms(500)[0] or 0.0 for part in (fold.service, fold.success))
        if response_ms - service_ms > max(LAG_MS, LAG_SHARE * service_ms):
            return (
                f"the load generator's lateness raises the median of {phase.name} from {service_ms:.3g} ms to "
                f"{response_ms:.3g} ms"
            )
    return None


def _reading_every_s(one: Observed) -> float:
    """As recorded; the first format did not record it."""
    return one.trial.record.reading_every_s or reading_every_s(one.scenario)


@rule("generator-stalled", _FREE_THE_HOST)
def _generator_stalled(one: Observed) -> str | None:
    for phase in one.counting:
        gap_ms = max((reading.loop_gap_max_ms for reading in _in_phase(one.trial, phase)), default=0.0)
        if gap_ms > LOOP_GAP_MS:
            return f"the load generator stood still for {gap_ms:.0f} ms in {phase.name}"
    return None


@rule("generator-capped", "Raise in_flight_cap, lower the rate, or give the target more connections.")
def _generator_was_capped(one: Observed) -> str | None:
    """What is kept back during a fault, or for a request's timeout after it, is the fault's doing."""
    kept_back = before = 0
    names = {phase.name for phase in one.counting}
    for reading in one.trial.readings_of(GeneratorReading):
        risen = reading.not_started_total - before
        before = max(before, reading.not_started_total)
        if risen > 0 and reading.phase in names and not _explained(one, reading.t_ns):
            kept_back += risen
    if not kept_back:
        return None
    cap = one.scenario.in_flight_cap
    return f"{kept_back:,} requests were kept back by the cap of {cap} in flight, and no fault explains it"


def _explained(one: Observed, t_ns: int) -> bool:
    grace_ns = round(one.scenario.request_timeout_s * 1e9)
    return any(
        span.inject_begin_ns <= t_ns and (span.heal_done_ns is None or t_ns <= span.heal_done_ns + grace_ns)
        for span in one.course.faults
    )


@rule("generator-starved", "Lower the rate, or use --workers to share the load among processes.")
def _generator_was_starved(one: Observed) -> str | None:
    for name, seconds, spent_s in _generator_stretches(one):
        share = spent_s / seconds
        if seconds >= LEAST_WATCHED_S and share > BUSY_CORE:
            return f"the load generator used {share:.0%} of a processor core in {name}"
    return None


def _generator_stretches(one: Observed) -> Iterator[tuple[str, float, float]]:
    """Name, length in seconds and processor seconds of the whole load and of each counting phase.

    The whole load by the mean of the load processes, phases by the busiest of them.
    """
    spans = one.course.phases
    workers = max(one.trial.record.workers, 1)
    spent_s = processor_s(one.trial).get("generator")
    load_s = (one.course.load_end_ns - min((span.start_ns for span in spans), default=0)) / 1e9
    if spent_s is not None and one.trial.record.cpu_s and load_s > 0:
        yield "the whole load", load_s, spent_s / workers
    used = list(_generator_use(one.trial, workers))
    names = {phase.name for phase in one.counting}
    for span in spans:
        inside = [moment for moment in used if span.start_ns <= moment[0] < span.end_ns]
        if span.name in names and len(inside) > 1:
            (from_ns, before_s), (to_ns, after_s) = inside[0], inside[-1]
            yield span.name, (to_ns - from_ns) / 1e9, after_s - before_s


def _generator_use(trial: Trial, workers: int) -> Iterator[tuple[int, float]]:
    """When, and how many processor seconds the busiest load process had used by then.

    Older runs did not record that; there it is what the processes on this machine used, shared among all.
    """
    own = trial.readings_of(GeneratorReading)
    if any(reading.busiest_cpu_s is not None for reading in own):
        yield from ((reading.t_ns, reading.busiest_cpu_s or 0.0) for reading in own)
        return
    for reading in trial.readings_of(HostReading):
        yield reading.t_ns, reading.cpu_s.get("generator", 0.0) / workers


@rule("host-overrun", "Run it on a machine with processors to itself.")
def _host_was_overrun(one: Observed) -> str | None:
    names = {phase.name for phase in one.counting}
    spans = [span for span in one.course.phases if span.name in names]
    inside = [
        reading
        for reading in one.trial.readings_of(HostReading)
        if any(span.start_ns <= reading.t_ns < span.end_ns for span in spans)
    ]
    if not inside:
        return None
    busy = statistics.fmean(reading.cpu_percent for reading in inside)
    steal = statistics.fmean(reading.steal_percent for reading in inside)
    if busy > SATURATED_PERCENT and steal > STEAL_PERCENT:
        return f"the processors were {busy:.0f} % busy, {steal:.0f} % of them with other guests of the host"
    return None


@rule("fault-unproved", "Look into the proxy and the fault's settings, and run it again.")
def _fault_was_not_proved(one: Observed) -> str | None:
    found = list(filter(None, map(partial(_lack_of_proof, one.expects_proofs), one.course.faults)))
    return f"{found[0]}{_and_more(found)}" if found else None


def _lack_of_proof(expected: bool, span: FaultSpan) -> str | None:
    where = f"{span.kind} in {span.phase}"
    if span.unproved:
        return f"a probe through the proxy did not see what {where} should do ({span.unproved[0]})"
    steps = 1 if span.heal_done_ns is None else 2
    if expected and span.proved < steps:
        return f"no probe showed that {where} took effect and ended"
    return None


@rule("course-incomplete", "Look into load.log in the trial's folder, and run it again.")
def _not_all_happened(one: Observed) -> str | None:
    """What the scenario plans and no mark tells of did not happen; the first format promised no marks."""
    if one.trial.record.version < SEALED_SINCE:
        return None
    marked = {(mark.kind, mark.phase, mark.number) for mark in one.trial.marks}
    lacking = [
        f"no mark tells that {what}"
        for kind, phase, number, what in _planned_marks(one.scenario)
        if (kind, phase, number) not in marked
    ]
    return f"{lacking[0]}{_and_more(lacking)}" if lacking else None


def _planned_marks(scenario: Scenario) -> Iterator[tuple[MarkKind, str, int, str]]:
    for phase in scenario.phases:
        yield MarkKind.PHASE_START, phase.name, 0, f"{phase.name} began"
        for number, fault in enumerate(phase.faults, start=1):
            yield MarkKind.INJECT_DONE, phase.name, number, f"{fault.kind} was injected in {phase.name}"
            yield MarkKind.HEAL_DONE, phase.name, number, f"{fault.kind} was healed in {phase.name}"
        yield MarkKind.PHASE_END, phase.name, 0, f"{phase.name} ended"


@rule("conformance-failed", "Mend the target: what answers wrongly cannot be compared.")
def _target_answered_wrongly(one: Observed) -> str | None:
    failed = [item for item in one.trial.record.conformance if not item.passed]
    if not failed:
        return None
    detail = f" ({failed[0].detail.rstrip('.')})" if failed[0].detail else ""
    return f"the target answered {failed[0].name} wrongly {failed[0].when} the load{detail}{_and_more(failed)}"


def _and_more(found: Sequence[object]) -> str:
    return f", and {len(found) - 1} more" if len(found) > 1 else ""
