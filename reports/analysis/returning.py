"""How requests fare after a healing, held against how they fared before the fault, under the same load."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from harness.records import Outcome
from reports.analysis.windows import Course, FaultSpan, PhaseSpan
from reports.distribution import FEWEST_FOR_P99, Distribution, merged
from reports.oracles.cases import Return
from reports.read import SeriesCell

FEWEST_NORMAL = 30
"""Successes before the fault; with fewer, what is normal is not known."""
FEWEST_IN_WINDOW = 10
"""Successes in a row of intervals of which the median is taken."""
FACTOR = 1.5
SLACK_MS = 2.0
"""Normal is what is within this factor of what was before, or within this much more, whichever is more."""


@dataclass(slots=True)
class _Bin:
    """The requests sent in one interval after a healing."""

    success: Distribution = field(default_factory=Distribution)
    failures: int = 0


class _After:
    """The intervals from a healing to the next injection, or to the end of that load."""

    def __init__(self, span: FaultSpan, until_ns: int) -> None:
        assert span.heal_done_ns is not None
        self.span, self.heal_ns, self.until_ns = span, span.heal_done_ns, until_ns
        self.bins: dict[int, _Bin] = {}

    def add(self, cell: SeriesCell) -> None:
        if cell.start_ns < self.heal_ns or cell.end_ns > self.until_ns:
            return
        found = self.bins.setdefault(cell.start_ns, _Bin())
        if cell.key.outcome is Outcome.OK:
            found.success.add(cell.counters, cell.total)
        else:
            found.failures += cell.total

    def finish(self, normal: Distribution) -> Return:
        places = sorted(self.bins)
        bins = [self.bins[place].success for place in places]
        first = next((place for place, success in zip(places, bins, strict=True) if success.total), None)
        return Return(
            phase=self.span.phase,
            kind=self.span.kind,
            requests=sum(found.success.total + found.failures for found in self.bins.values()),
            watched_ms=max(self.until_ns - self.heal_ns, 0) / 1e6,
            normal=normal.total,
            first_success_ms=self._after_ms(first),
            normal_p50_ms=self._after_ms(_back(places, bins, normal, 500, FEWEST_NORMAL, FEWEST_IN_WINDOW)),
            normal_p99_ms=self._after_ms(_back(places, bins, normal, 990, FEWEST_FOR_P99, FEWEST_FOR_P99)),
        )

    def _after_ms(self, place: int | None) -> float | None:
        return None if place is None else (place - self.heal_ns) / 1e6


def _back(
    places: Sequence[int],
    bins: Sequence[Distribution],
    normal: Distribution,
    per_mille: int,
    fewest_normal: int,
    fewest: int,
) -> int | None:
    """The first interval from which so many successes in a row are as fast as is normal; None where that is not
    seen.
    """
    usual_ms = normal.quantiles_ms(per_mille)[0]
    if normal.total < fewest_normal or usual_ms is None:
        return None
    limit_ms = max(FACTOR * usual_ms, usual_ms + SLACK_MS)
    for first, place in enumerate(places):
        window = Distribution()
        for success in bins[first:]:
            window.merge(success)
            if window.total >= fewest:
                break
        found_ms = window.quantiles_ms(per_mille)[0]
        if window.total >= fewest and found_ms is not None and found_ms <= limit_ms:
            return place
    return None


class ReturnFold:
    """Each healed fault of a trial. Normal is what successes took in the own phase before its first fault, and in
    earlier phases of the same load before theirs.
    """

    def __init__(self, happened: Course) -> None:
        self._phases = happened.phases
        self._first_injection_ns: dict[str, int] = {}
        for span in happened.faults:
            begin_ns = self._first_injection_ns.get(span.phase, span.inject_begin_ns)
            self._first_injection_ns[span.phase] = min(begin_ns, span.inject_begin_ns)
        self._calm: dict[str, Distribution] = {}
        self._after = []
        for number, span in enumerate(happened.faults):
            later_ns = min((f.inject_begin_ns for f in happened.faults[number + 1 :]), default=None)
            if span.heal_done_ns is not None:
                until_ns = min(happened.load_end_ns, self._same_load_until_ns(span.phase))
                self._after.append(_After(span, until_ns if later_ns is None else min(until_ns, later_ns)))

    def add(self, cell: SeriesCell) -> None:
        """Take in a cell of response times."""
        if not self._after or cell.key.outcome is Outcome.ABORTED:
            return
        until_ns = self._first_injection_ns.get(cell.key.phase)
        if cell.key.outcome is Outcome.OK and (until_ns is None or cell.end_ns <= until_ns):
            self._calm.setdefault(cell.key.phase, Distribution()).add(cell.counters, cell.total)
        for after in self._after:
            after.add(cell)

    def finish(self) -> tuple[Return, ...]:
        """What the cells told."""
        return tuple(after.finish(self._normal(after.span.phase)) for after in self._after)

    def _same_load_until_ns(self, phase: str) -> int:
        """When the load of a phase gives way to another."""
        names = [span.name for span in self._phases]
        later = self._phases[names.index(phase) :] if phase in names else ()
        end_ns = 0
        for span in later:
            if span.load != later[0].load:
                break
            end_ns = span.end_ns
        return end_ns

    def _normal(self, phase: str) -> Distribution:
        names = [span.name for span in self._phases]
        if phase not in names:
            return Distribution()
        own: PhaseSpan = self._phases[names.index(phase)]
        earlier = self._phases[: names.index(phase) + 1]
        return merged(self._calm.get(span.name, Distribution()) for span in earlier if span.load == own.load)
