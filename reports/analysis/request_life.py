"""The life of a request, part by part, over a ladder of latencies and for each login: pure.

From the Summary of a run in which targets with a pool and without, two for each login, climb the same ladder.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from harness.records import TrialState
from reports.analysis.crossings import Rung
from reports.analysis.folding import ALL
from reports.analysis.spread import spread_of_logs
from reports.summary import ScenarioResult, Spread, TargetResult


class LifePart(StrEnum):
    """A part of a request's life, in milliseconds but for the last, which is a ratio. All are medians."""

    ACQUIRE = "acquire"  # taking a connection from the pool, pre-ping included
    QUERY = "query"  # the statement of a read by primary key
    RELEASE = "release"  # giving the connection back: rolling back included
    CONNECT = "connect"  # opening a connection where there is no pool
    CLOSE = "close"  # ending its use where there is none: rolling back, and closing it
    SPEEDUP = "speedup"  # response time without a pool over that with it


@dataclass(frozen=True, slots=True)
class LifeLadder:
    """One part with one login, on each rung on which it was measured; `x` is the injected latency in ms."""

    part: LifePart
    login: str
    rungs: tuple[Rung, ...]


def life_of_requests(result: ScenarioResult, logins: Mapping[str, str]) -> tuple[LifeLadder, ...]:
    """All parts for each login, in the order of `logins` (target -> login); a part that nobody told is left out.

    Whether a target has a pool is read from its settings. The interval of a rung is that over repetitions; with a
    single one it is the figure itself. The ratio is paired by repetition.
    """
    ladders: list[LifeLadder] = []
    for login in dict.fromkeys(logins.values()):
        targets = [found for found in result.targets if logins.get(found.target) == login and _measured(found)]
        pooled = next((target for target in targets if _has_pool(target)), None)
        bare = next((target for target in targets if not _has_pool(target)), None)
        for part, rungs in _parts(pooled, bare):
            if rungs:
                ladders.append(LifeLadder(part, login, tuple(rungs)))
    return tuple(ladders)


def _measured(target: TargetResult) -> bool:
    """Of another one the settings are those planned, not those reported."""
    return any(line.state == TrialState.COMPLETED for line in target.trials)


def _has_pool(target: TargetResult) -> bool:
    return target.settings.get("pool_size") is not None


def _parts(pooled: TargetResult | None, bare: TargetResult | None) -> Iterator[tuple[LifePart, list[Rung]]]:
    if pooled is not None:
        yield LifePart.ACQUIRE, _told(pooled, "acquire")
        yield LifePart.QUERY, _told(pooled, "query")
        yield LifePart.RELEASE, _released(pooled)
    if bare is not None:
        yield LifePart.CONNECT, _told(bare, "connect")
        yield LifePart.CLOSE, _released(bare)
    if pooled is not None and bare is not None:
        yield LifePart.SPEEDUP, list(_ratios(_medians(bare), _medians(pooled)))


def _latencies(target: TargetResult) -> dict[str, float]:
    """Phase -> injected latency, of the phases that are rungs and had requests enough."""
    return {point.phase: point.latency_ms for climbed in target.round_trips for point in climbed.points}


def _told(target: TargetResult, of: str) -> list[Rung]:
    latencies = _latencies(target)
    return [
        _rung(latencies[breakdown.phase], part.p50_ms, part.p50_interval)
        for breakdown in target.breakdowns
        if breakdown.operation == ALL and breakdown.phase in latencies
        for part in breakdown.parts
        if part.of == of and part.p50_ms is not None
    ]


def _released(target: TargetResult) -> list[Rung]:
    latencies = _latencies(target)
    return [
        _rung(latencies[held.phase], held.p50_ms, held.p50_interval)
        for held in target.held
        if held.of == "release" and held.phase in latencies and held.p50_ms is not None
    ]


def _medians(target: TargetResult) -> dict[tuple[float, int], float]:
    """(latency, repetition) -> p50 of the response time; these scenarios send one operation only."""
    return {
        (point.latency_ms, point.repetition): point.p50_ms
        for climbed in target.round_trips
        for point in climbed.points
    }


def _ratios(above: Mapping[tuple[float, int], float], below: Mapping[tuple[float, int], float]) -> Iterator[Rung]:
    both = sorted(above.keys() & below.keys())
    for latency_ms in dict.fromkeys(latency_ms for latency_ms, _ in both):
        ratios = [above[place] / below[place] for place in both if place[0] == latency_ms and below[place] > 0]
        if ratios:
            yield _rung(latency_ms, statistics.median(ratios), spread_of_logs(ratios))


def _rung(x: float, value: float, interval: Spread | None) -> Rung:
    """The figure is of all requests together, and may lie a little outside the interval over repetitions."""
    ends = (value, value) if interval is None else (interval.low, interval.high)
    return Rung(x, value, min(value, *ends), max(value, *ends))


def ladders_of(found: Iterable[LifeLadder], part: LifePart) -> Sequence[LifeLadder]:
    """Those of one part, a login each."""
    return tuple(ladder for ladder in found if ladder.part is part)
