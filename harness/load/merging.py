"""Events of several workers into those of one generator: pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from harness.load import messages
from harness.load.outside.names import OTHER_NAMES, Names
from harness.load.samples import MOST_MEASURED
from harness.records import GeneratorReading, Mark, MarkKind, Outcome

_BEGINNINGS = (MarkKind.LOAD_START, MarkKind.PHASE_START)


class Tags:
    """Tags of the lines of several workers' logs, of which each has kept names of its own: no more than one would
    keep. Where an operation is renamed, parts of an interval add up all the same.
    """

    def __init__(self, phases: int) -> None:
        self._names = Names(phases)
        self._seen: set[str] = set()

    def bounded(self, line: str) -> str:
        """A line of a log under the tag that it shall have."""
        tag, comma, rest = line.partition(",")
        if tag in self._seen:
            return line
        phase, operation, *others = tag.split(";")
        operation = OTHER_NAMES if len(self._seen) >= MOST_MEASURED else self._names.bounded(operation)
        tag = ";".join((phase, operation, *others))
        self._seen.add(tag)
        return f"{tag}{comma}{rest}"


class Merger:
    """Feed it each worker's events; it gives those to be told.

    A beginning counts when the first worker reports it, an end when the last living one has. Gauges add up, of
    latenesses and processor times the worst counts; a merged reading is given whenever the first worker still
    at work reports, and whenever one has ended or is lost, so that the last holds all that was ever told.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._lost: set[str] = set()
        self._seen: dict[tuple[MarkKind, str], list[tuple[str, Mark]]] = {}
        self._told: set[tuple[MarkKind, str]] = set()
        self._readings: dict[str, GeneratorReading] = {}
        self._told_ns = 0  # the time of the last merged reading; no later one is before it
        self._late_max_ms = self._loop_gap_max_ms = 0.0  # since then
        self._done: dict[str, messages.Done] = {}

    def add(self, worker: str, event: messages.Event) -> Iterator[messages.Marked | messages.Gauged]:
        """What is to be told now that `worker` has told this."""
        match event:
            case messages.Marked(mark=mark):
                key = (mark.kind, mark.phase)
                self._seen.setdefault(key, []).append((worker, mark))
                yield from self._tell_if_due(key)
            case messages.Gauged(reading=reading):
                self._readings[worker] = reading
                self._late_max_ms = max(self._late_max_ms, reading.late_max_ms)
                self._loop_gap_max_ms = max(self._loop_gap_max_ms, reading.loop_gap_max_ms)
                if worker == min(set(self._readings) - self._lost - set(self._done), default=None):
                    yield from self._sum(reading)
            case messages.Done():
                self._done[worker] = event
                yield from self._sum(self._readings.get(worker))
            case messages.Ready() | messages.Refused():
                pass

    def lose(self, worker: str) -> Iterator[messages.Marked | messages.Gauged]:
        """The worker is gone: ends that waited for it alone are due."""
        self._lost.add(worker)
        yield from self._sum(self._readings.get(worker))
        for key in list(self._seen):
            yield from self._tell_if_due(key)

    def account(self, lost: int, own_cpu_s: float = 0.0) -> messages.Done:
        """The sum of all accounts and the master's own time; of a worker that was lost, what it last told."""
        accounts = list(self._done.values())
        silent = [reading for worker, reading in self._readings.items() if worker not in self._done]
        return messages.Done(
            started=sum(done.started for done in accounts) + sum(r.started_total for r in silent),
            completed=sum(done.completed for done in accounts) + sum(r.completed_total for r in silent),
            not_started=sum(done.not_started for done in accounts) + sum(r.not_started_total for r in silent),
            aborted=sum(done.aborted for done in accounts),
            acknowledged_transfers=sum(done.acknowledged_transfers for done in accounts),
            cpu_s=own_cpu_s + sum(done.cpu_s for done in accounts) + sum(r.busiest_cpu_s or 0.0 for r in silent),
            workers_lost=lost,
            under_way=sum(done.under_way for done in accounts),
            requests=_summed(done.requests for done in accounts),
            recorded=_summed(done.recorded for done in accounts),
            writes=sum(done.writes for done in accounts),
            writes_dropped=sum(done.writes_dropped for done in accounts),
            notes=tuple(
                f"load worker {number}: {note}" for number, done in enumerate(accounts, 1) for note in done.notes
            ),
            failure="; ".join(dict.fromkeys(done.failure for done in accounts if done.failure)),
        )

    def _tell_if_due(self, key: tuple[MarkKind, str]) -> Iterator[messages.Marked]:
        if key in self._told:
            return
        reports = self._seen[key]
        waited_for = self._count - len(self._lost - {worker for worker, _ in reports})
        if key[0] in _BEGINNINGS or len(reports) >= waited_for:
            self._told.add(key)
            pick = min if key[0] in _BEGINNINGS else max
            yield messages.Marked(mark=pick((mark for _, mark in reports), key=lambda mark: mark.t_ns))

    def _sum(self, cause: GeneratorReading | None) -> Iterator[messages.Gauged]:
        """All readings as one, in the phase of the reading that made it due; none as long as there is none."""
        if cause is None:
            return
        everyone = self._readings.values()  # totals of a lost worker stay counted
        living = [reading for worker, reading in self._readings.items() if worker not in self._lost]
        yield messages.Gauged(
            reading=GeneratorReading(
                t_ns=max(cause.t_ns, self._told_ns),
                phase=cause.phase,
                users=sum(reading.users for reading in living),
                in_flight=sum(reading.in_flight for reading in living),
                started_total=sum(reading.started_total for reading in everyone),
                completed_total=sum(reading.completed_total for reading in everyone),
                not_started_total=sum(reading.not_started_total for reading in everyone),
                late_max_ms=self._late_max_ms,
                loop_gap_max_ms=self._loop_gap_max_ms,
                busiest_cpu_s=max(reading.busiest_cpu_s or 0.0 for reading in everyone),
            )
        )
        self._told_ns = max(cause.t_ns, self._told_ns)
        self._late_max_ms = self._loop_gap_max_ms = 0.0


def _summed(parts: Iterable[dict[Outcome, int]]) -> dict[Outcome, int]:
    total: Counter[Outcome] = Counter()
    for part in parts:
        total.update(part)
    return dict(total)
