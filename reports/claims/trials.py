"""What rules ask of a single trial: its requests by how they ended, and its gauges within a phase."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from harness.records import DatabaseReading, MarkKind, Measure, PoolReading, Reading
from reports.claims.base import Figure
from reports.claims.evidence import MissingEvidenceError
from reports.read import Trial

MEAN_OF_TRIALS = "mean, least and most"

_Reading = TypeVar("_Reading", bound=Reading)


@dataclass(frozen=True, slots=True)
class Ended:
    """One way in which requests ended."""

    phase: str
    operation: str
    outcome: str
    kind: str


def requests_of(trial: Trial) -> Counter[Ended]:
    """All requests of a trial, each counted once."""
    found: Counter[Ended] = Counter()
    for cell in trial.cells:
        key = cell.key
        if key.measure == Measure.RESPONSE:
            found[Ended(key.phase, key.operation, key.outcome, key.kind)] += cell.total
    return found


def count_of(requests: Counter[Ended], which: Callable[[Ended], bool]) -> int:
    """How many requests ended in one of the ways that are asked for."""
    return sum(count for ended, count in requests.items() if which(ended))


def within(trial: Trial, phase: str, kind: type[_Reading], fewest: int = 1) -> tuple[_Reading, ...]:
    """Readings of one kind within a phase; of PostgreSQL's sessions those on the primary. Raises
    MissingEvidenceError where there are fewer.
    """
    start_ns, end_ns = span_ns(trial, phase)
    found = tuple(
        reading
        for reading in trial.readings_of(kind)
        if start_ns <= reading.t_ns <= end_ns
        and not (isinstance(reading, DatabaseReading) and not reading.of_primary)
    )
    if not found:
        raise MissingEvidenceError(f"{_named(kind)} was not read in {phase} of trial {trial.record.spec.id}")
    if len(found) < fewest:
        raise MissingEvidenceError(
            f"{_named(kind)} was read {len(found)} times in {phase} of trial {trial.record.spec.id}, "
            f"of {fewest} at least"
        )
    return found


def pool_before(trial: Trial, phase: str) -> PoolReading:
    """The pool's account as a phase began. Raises MissingEvidenceError where it was not read until then."""
    start_ns, _ = span_ns(trial, phase)
    before = [reading for reading in trial.readings_of(PoolReading) if reading.t_ns <= start_ns]
    if not before:
        raise MissingEvidenceError(f"the pool was not read before {phase} of trial {trial.record.spec.id}")
    return before[-1]


def pool_at_end(trial: Trial) -> PoolReading:
    """The pool's account after the drain. Raises MissingEvidenceError where there is none."""
    if trial.record.pool_at_end is None:
        raise MissingEvidenceError(f"the pool was not read at the end of trial {trial.record.spec.id}")
    return trial.record.pool_at_end


def figure_over(name: str, values: Sequence[float], unit: str = "", where: str = "") -> Figure:
    """A figure with its mean, least and most over trials, which `where` says."""
    told = ", ".join(filter(None, (where, MEAN_OF_TRIALS if len(values) > 1 else "")))
    return spread_of(name, values, unit, told)


def spread_of(name: str, values: Sequence[float | None], unit: str = "", where: str = "") -> Figure:
    """The mean, least and most of what is known; no value where nothing is."""
    known = [value for value in values if value is not None]
    if not known:
        return Figure(name=name, value=None, unit=unit, where=where)
    mean = sum(known) / len(known)
    return Figure(name=name, value=mean, unit=unit, low=min(known), high=max(known), where=where)


def percent(part: int, whole: int) -> int:
    """A share in whole percent: 0 only where it is nothing, and 100 only where it is all. Of nothing it is 0."""
    if part <= 0 or whole <= 0:
        return 0
    return 100 if part >= whole else min(max(round(100 * part / whole), 1), 99)


def between(values: Sequence[int]) -> str:
    """Least and most in words, such as `3 to 7`; one number where they are the same."""
    low, high = min(values), max(values)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def span_ns(trial: Trial, phase: str) -> tuple[int, int]:
    """When a phase began and ended. Raises MissingEvidenceError where no marks tell."""
    marks = {mark.kind: mark.t_ns for mark in trial.marks if mark.phase == phase}
    if MarkKind.PHASE_START not in marks or MarkKind.PHASE_END not in marks:
        raise MissingEvidenceError(f"no marks tell of {phase} in trial {trial.record.spec.id}")
    return marks[MarkKind.PHASE_START], marks[MarkKind.PHASE_END]


def _named(kind: type) -> str:
    return f"the {kind.__name__.removesuffix('Reading').lower()}"
