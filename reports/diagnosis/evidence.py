"""What one trial left as evidence, as rules ask for it. Nothing here judges, or knows what the subject is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from functools import cached_property
from typing import TypeVar

from harness.records import (
    DatabaseReading,
    ErrorsReading,
    HostReading,
    InsideReading,
    Outcome,
    PoolReading,
    Reading,
    TimesReading,
    TrialRecord,
)
from reports.analysis.folding import ALL, Observed, PhaseFold
from reports.analysis.windows import FaultSpan, PhaseSpan
from reports.distribution import Distribution, merged

NS_PER_S = 1_000_000_000

_Reading = TypeVar("_Reading", bound=Reading)


class Source(Enum):
    """Where evidence comes from; its value is what it is called in a sentence."""

    CLIENT = "the client's latencies"
    POOL = "the pool's gauges"
    TIMES = "the times of checkouts"
    INSIDE = "a probe in the app"
    SESSIONS = "PostgreSQL's sessions"
    LOCKS = "PostgreSQL's locks and transaction ages"
    SERVER_ERRORS = "PostgreSQL's log"
    TOTALS = "PostgreSQL's totals of the database"
    PROCESS = "processor times"

    @property
    def words(self) -> str:
        """For a sentence."""
        return self.value


OF_PROBE = (InsideReading, TimesReading, PoolReading)
"""What is not there without a probe, of an app that is not ours."""


@dataclass(frozen=True)
class Evidence:
    """One usable trial. Times are nanoseconds since its origin unless a name says otherwise."""

    observed: Observed
    is_probed: bool = True

    def without_probe(self) -> Evidence:
        """The same trial, as if nothing had been told from inside the app."""
        return replace(self, is_probed=False)

    # --- what there is -----------------------------------------------------------------------------------------

    @cached_property
    def sources(self) -> frozenset[Source]:
        """Those that this trial has."""
        found = {Source.CLIENT}
        if self.pool:
            found.add(Source.POOL)
        if self.readings(TimesReading):
            found.add(Source.TIMES)
        if self.inside:
            found.add(Source.INSIDE)
        if self.sessions:
            found.add(Source.SESSIONS)
        if any(one.waiting_for_lock is not None for one in self.sessions):
            found.add(Source.LOCKS)
        if self.host:
            found.add(Source.PROCESS)
        if self.server_errors is not None:
            found.add(Source.SERVER_ERRORS)
        if self.record.database_totals is not None:
            found.add(Source.TOTALS)
        return frozenset(found)

    def has(self, *sources: Source) -> bool:
        """Whether all of them are there."""
        return set(sources) <= self.sources

    # --- the trial ---------------------------------------------------------------------------------------------

    @property
    def record(self) -> TrialRecord:
        """The trial's own account."""
        return self.observed.trial.record

    @property
    def phases(self) -> tuple[PhaseSpan, ...]:
        """As they really ran, warm-up among them."""
        return self.observed.course.phases

    @property
    def faults(self) -> tuple[FaultSpan, ...]:
        """What was injected, as marked."""
        return self.observed.course.faults

    @property
    def end_ns(self) -> int:
        """The load's end."""
        return self.observed.course.load_end_ns

    @property
    def start_ns(self) -> int:
        """The end of the warm-up, where there is one."""
        warm = {phase.name for phase in self.observed.scenario.phases if phase.warmup}
        return max((span.end_ns for span in self.phases if span.name in warm), default=0)

    def in_fault(self, t_ns: int, kinds: Iterable[str] | None = None) -> bool:
        """Whether a moment lies within a fault, of those kinds if any are named."""
        wanted = None if kinds is None else set(kinds)
        return any(
            (wanted is None or span.kind in wanted)
            and span.inject_begin_ns <= t_ns <= (span.heal_done_ns or self.end_ns)
            for span in self.faults
        )

    # --- the client --------------------------------------------------------------------------------------------

    @cached_property
    def requests(self) -> int:
        """All that were sent and ended by themselves, warm-up included."""
        outcomes = sum((self.fold(span.name).outcomes for span in self.phases), Counter[str]())
        return outcomes.total() - outcomes[Outcome.ABORTED.value]

    @property
    def operations(self) -> tuple[str, ...]:
        """Names of requests, in alphabetical order."""
        return tuple(sorted({operation for _, operation in self.observed.fold.phases} - {ALL}))

    def fold(self, phase: str, operation: str = ALL) -> PhaseFold:
        """A phase's figures, empty where there are none."""
        return self.observed.fold.phases.get((phase, operation), PhaseFold())

    def successes(self, phases: Iterable[str] | None = None, operation: str = ALL) -> Distribution:
        """Latencies of successes."""
        return merged(self.fold(name, operation).success for name in self._names(phases))

    def failures(
        self,
        phases: Iterable[str] | None = None,
        operation: str | None = None,
        kinds: Iterable[str] | None = None,
    ) -> Distribution:
        """Latencies of what was refused, failed or stayed unknown; `kinds` as `harness.load.classify` has them."""
        names, wanted = set(self._names(phases)), None if kinds is None else set(kinds)
        return merged(
            latencies
            for (phase, of, outcome, kind), latencies in self.observed.fold.endings.items()
            if phase in names
            and (operation is None or of == operation)
            and outcome not in (Outcome.OK.value, Outcome.ABORTED.value)
            and (wanted is None or kind in wanted)
        )

    def kinds_of_failure(self, phases: Iterable[str] | None = None) -> Mapping[str, int]:
        """How many requests ended in each way that is no success."""
        names = set(self._names(phases))
        found: dict[str, int] = {}
        for (phase, _, outcome, kind), latencies in self.observed.fold.endings.items():
            if phase in names and outcome not in (Outcome.OK.value, Outcome.ABORTED.value):
                found[kind] = found.get(kind, 0) + latencies.total
        return found

    def _names(self, phases: Iterable[str] | None) -> tuple[str, ...]:
        return tuple(span.name for span in self.phases) if phases is None else tuple(phases)

    # --- gauges ------------------------------------------------------------------------------------------------

    @property
    def is_ours(self) -> bool:
        """Whether the subject tells of its pool itself, as the standard targets do, and needs no probe."""
        return "gauges" in self.record.target.capabilities

    def readings(self, kind: type[_Reading]) -> Sequence[_Reading]:
        """Of one kind, from the first request on; what only a probe tells is left out where there is none."""
        if not self.is_probed and issubclass(kind, OF_PROBE) and not self.is_ours:
            return ()
        return [reading for reading in self.observed.trial.readings_of(kind) if reading.t_ns >= 0]

    @cached_property
    def pool(self) -> Sequence[PoolReading]:
        """The pool's gauges under load and in the drain."""
        return self.readings(PoolReading)

    @cached_property
    def inside(self) -> Sequence[InsideReading]:
        """What a probe told beside its pools."""
        return self.readings(InsideReading)

    @cached_property
    def sessions(self) -> Sequence[DatabaseReading]:
        """Sessions on the primary."""
        return [reading for reading in self.readings(DatabaseReading) if reading.of_primary]

    @cached_property
    def logged(self) -> Sequence[ErrorsReading]:
        """What the primary's own log had of errors, reading by reading."""
        return [reading for reading in self.readings(ErrorsReading) if reading.part == "primary"]

    @cached_property
    def host(self) -> Sequence[HostReading]:
        """Processor times."""
        return self.readings(HostReading)

    @cached_property
    def server_errors(self) -> Mapping[str, int] | None:
        """By SQLSTATE, from the primary's own log; None where that was not read."""
        return sum((Counter(one.counts) for one in self.logged), Counter[str]()) if self.logged else None

    def times(self, of: str, phases: Iterable[str] | None = None) -> Sequence[TimesReading]:
        """How long something took, by phase: `acquire`, `connect`, `ping`, `query`, `held` or `release`."""
        names = set(self._names(phases))
        return [one for one in self.readings(TimesReading) if one.of == of and one.phase in names]

    @property
    def pool_at_end(self) -> PoolReading | None:
        """After the drain; None where nothing told of it."""
        return self.record.pool_at_end if self.is_probed or self.is_ours else None

    @cached_property
    def limit(self) -> int | None:
        """The most connections that the pool may have out; None for none, or where it is not known."""
        return max((one.limit for one in self.pool if one.limit is not None), default=None)


def stretches(
    readings: Sequence[_Reading], holds: Callable[[_Reading], bool], at_least_s: float = 0.0
) -> list[tuple[int, int]]:
    """From when until when it held in consecutive readings, in ns; a single reading lasts until the next one."""
    found: list[tuple[int, int]] = []
    since: int | None = None
    for reading in readings:
        if holds(reading):
            since = reading.t_ns if since is None else since
        elif since is not None:
            found.append((since, reading.t_ns))
            since = None
    if since is not None and readings:
        found.append((since, readings[-1].t_ns))
    return [(start, end) for start, end in found if end - start >= at_least_s * NS_PER_S]


def length_s(spans: Iterable[tuple[int, int]]) -> float:
    """All of them together, in seconds."""
    return sum(end - start for start, end in spans) / NS_PER_S


def share_where(readings: Sequence[_Reading], holds: Callable[[_Reading], bool]) -> float:
    """In how many of the readings it held; 0 where there is none."""
    return sum(map(holds, readings)) / len(readings) if readings else 0.0


def grown(values: Sequence[int]) -> int:
    """By how much a total rose from its first reading to its highest; 0 where there is none."""
    return max(values) - values[0] if values else 0
