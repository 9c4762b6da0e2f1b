"""Whether a failure was brought out, told by plain figures of both apps and by no rule."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from statistics import median

from harness.records import Outcome, PoolReading
from reports.analysis.folding import ALL, Observed, PhaseFold
from reports.analysis.outcomes import success_share
from scenarios.failures.model import Sign

LEAST_SHARE = 0.01
TIMES = 1.5
FAR = 3.0
"""So many times as much as in the cured app."""


def brought_out(sign: Sign, broken: Sequence[Observed], cured: Sequence[Observed]) -> tuple[bool, str]:
    """Whether the sign shows in the broken app and not in the cured one, and the two figures as a sentence."""
    measure, times, floor, words = _SIGNS[sign]
    a, b = median(map(measure, broken)), median(map(measure, cured))
    return a >= floor and a >= times * b, f"{words}: {a:.3g} against {b:.3g}"


def _whole(one: Observed) -> PhaseFold:
    whole = PhaseFold()
    for phase in one.counting:
        whole.merge(one.fold.phases.get((phase.name, ALL), PhaseFold()))
    return whole


def _failing_share(one: Observed) -> float:
    share = success_share(_whole(one).outcomes)
    return 0.0 if share is None else 1 - share


def _least_failing_share(one: Observed) -> float:
    ended, failed = Counter[str](), Counter[str]()
    names = {phase.name for phase in one.counting}
    for (phase, operation), fold in one.fold.phases.items():
        if phase in names and operation != ALL:
            for outcome, count in fold.outcomes.items():
                if outcome != Outcome.ABORTED.value:
                    ended[operation] += count
                    failed[operation] += count * (outcome != Outcome.OK.value)
    return min((failed[operation] / ended[operation] for operation in ended), default=0.0)


def _p90_ms(one: Observed) -> float:
    return _whole(one).success.quantiles_ms(900)[0] or 0.0


def _longest_ms(one: Observed) -> float:
    whole = _whole(one)
    return max(side.quantiles_ms(1000)[0] or 0.0 for side in (whole.success, whole.failure))


def _opened_share(one: Observed) -> float:
    readings = [reading for reading in one.trial.readings_of(PoolReading) if reading.t_ns >= 0]
    if not readings:
        return 0.0
    asked = readings[-1].requests_total - readings[0].requests_total
    return (readings[-1].opened_total - readings[0].opened_total) / asked if asked > 0 else 0.0


def _not_returned(one: Observed) -> float:
    at_end = one.trial.record.pool_at_end
    return float(at_end.checked_out) if at_end else 0.0


_Measure = Callable[[Observed], float]
_SIGNS: Mapping[Sign, tuple[_Measure, float, float, str]] = {
    "failures": (_failing_share, FAR, LEAST_SHARE, "share of requests that failed"),
    "slow": (_p90_ms, TIMES, 0.0, "p90 of successes in ms"),
    "opened": (_opened_share, FAR, 0.1, "connections opened for each request"),
    "not-returned": (_not_returned, FAR, 1.0, "connections out after the drain"),
    "all-routes": (
        _least_failing_share,
        FAR,
        LEAST_SHARE,
        "share of requests that failed, of the route that did least",
    ),
    "longest": (_longest_ms, TIMES, 0.0, "longest request in ms"),
}
"""Measure, how many times the cured one's it has to be, the least of it, and what it is called."""
