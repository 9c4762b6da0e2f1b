"""What varies, held against past jobs of the same machine: it advises, and never binds."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Iterator, Sequence

from scipy.stats import t as student_t

from reports.baseline.model import Baseline, VaryingFinding
from reports.baseline.seen import Seen, Varied
from reports.gate.columns import Series
from reports.summary.figures import Result

FEWEST_JOBS = 3
CONFIDENCE = 0.99
"""Of the interval in which one more job's figure would lie by chance."""
FLOOR = 0.05
"""What lies nearer to the past jobs' mean than this share of it is not remarked on, however steady they were."""
_HIGHER_IS_BETTER = frozenset({"throughput"})


class Advice(Result):
    """One figure beside those of past jobs on this machine. `low` and `high` are the interval in which one more
    job was to be expected, None with fewer than three; `remark` says what lies outside, and is empty otherwise.
    """

    name: str
    unit: str
    now: float
    past: float | None  # their mean (geometric where all are positive)
    jobs: int
    low: float | None = None
    high: float | None = None
    remark: str = ""


def advice_on(seen: Seen, baseline: Baseline) -> Iterator[Advice]:
    """A line for each figure that both have and that was measured in the same way."""
    past = {one.series: one for one in _comparable(seen, baseline)}
    there = [job.machine == seen.job.machine and job.run != seen.job.run for job in baseline.jobs]
    for series, told in sorted(seen.varied.items(), key=lambda one: one[0].name):
        if series in past:
            values = [
                value for value, same in zip(past[series].values, there, strict=True) if same and value is not None
            ]
            yield _advice(series, told, values)


def _comparable(seen: Seen, baseline: Baseline) -> Iterable[VaryingFinding]:
    return (
        one
        for one in baseline.findings
        if isinstance(one, VaryingFinding)
        and seen.configurations.get(one.scenario) == baseline.configurations[one.scenario]
    )


def _advice(series: Series, told: Varied, values: Sequence[float]) -> Advice:
    low, high = interval(values)
    mean = _mean(values)
    return Advice(
        name=series.name,
        unit=told.unit,
        now=told.value,
        past=mean,
        jobs=len(values),
        low=low,
        high=high,
        remark=_remark(series.metric, told, mean, low, high),
    )


def _remark(metric: str, told: Varied, mean: float | None, low: float | None, high: float | None) -> str:
    if mean is None or low is None or high is None or abs(told.value - mean) < FLOOR * abs(mean):
        return ""
    if low <= told.value <= high:
        return ""
    worse = (told.value < low) if metric in _HIGHER_IS_BETTER else (told.value > high)
    return (
        f"{told.value:.3g} {told.unit}, where {low:.3g} to {high:.3g} was to be expected: "
        f"{'worse' if worse else 'better'} than past jobs on this machine"
    )


def interval(values: Sequence[float], confidence: float = CONFIDENCE) -> tuple[float | None, float | None]:
    """Student's prediction interval for one more value; of logarithms where all are positive. None for too few."""
    if len(values) < FEWEST_JOBS:
        return None, None
    positive = min(values) > 0
    scaled = [math.log(value) for value in values] if positive else list(values)
    count = len(scaled)
    scale = statistics.stdev(scaled) * math.sqrt(1 + 1 / count)
    centre = statistics.fmean(scaled)
    half = float(student_t.ppf((1 + confidence) / 2, count - 1)) * scale
    low, high = centre - half, centre + half
    return (_exp(low), _exp(high)) if positive else (low, high)


def _exp(value: float) -> float:
    """As far as a number can hold it: two past jobs that differ wildly leave everything open."""
    return math.exp(min(max(value, -700.0), 700.0))


def _mean(values: Sequence[float]) -> float | None:
    if not values:
        return None
    return statistics.geometric_mean(values) if min(values) > 0 else statistics.fmean(values)


def in_short(every: Sequence[Advice], same_machine: int) -> str:
    """How many figures could be held against past jobs, in a sentence."""
    judged = sum(one.low is not None for one in every)
    if not every:
        return "nothing that varies is on file for what was run"
    if not judged:
        return (
            f"{len(every)} clocks and counts under load are not judged: {same_machine} past jobs were on this "
            f"machine, and it takes {FEWEST_JOBS} (poolstorm baseline write adds one)"
        )
    outside = sum(bool(one.remark) for one in every)
    return (
        f"of {len(every)} clocks and counts under load {judged} were held against past jobs, {outside} lie outside"
    )
