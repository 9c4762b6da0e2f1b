"""Absolute limits held against what was measured. One of which nothing was measured is undecided, never kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.errors import EXIT_INCONCLUSIVE, EXIT_WORSE
from harness.records import DatabaseReading, PoolReading, RouteCost
from reports.analysis.checks import Evidence, evaluate
from reports.analysis.counts import counts
from reports.analysis.folding import ALL, Observed, PhaseFold, merge_folds, per_second, together
from reports.analysis.outcomes import success_share
from reports.summary import CheckVerdict, Count, LimitResult, Summary
from scenarios.limits import Limits
from scenarios.model import Check

PASSED, BROKEN, UNDECIDED = CheckVerdict.PASSED, CheckVerdict.BROKEN, CheckVerdict.UNDECIDED
_WORST = (BROKEN, UNDECIDED, PASSED)
_PERCENTILES = {"p50_ms": "p50", "p90_ms": "p90", "p99_ms": "p99", "p999_ms": "p99.9", "max_ms": "the slowest"}
_UNDER_LOAD = {
    "statements_per_request": "statements",
    "checkouts_per_request": "checkouts",
    "opened_per_request": "opened",
    "pings_per_request": "pings",
}
"""Counts of a request, under load and of each route by itself."""
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class _Seen:
    """One figure that a limit is held against: where, in words, and how it is told; None where it is not known."""

    where: str
    value: float | None
    said: str
    phase: str = ""
    route: str = ALL


@dataclass(frozen=True, slots=True)
class _Measured:
    """Usable trials of one target under one scenario; times are of `timely`, whose generators kept theirs."""

    observed: Sequence[Observed]
    timely: Sequence[Observed]
    phases: tuple[str, ...]


def limit_results(
    limits: Limits, observed: Sequence[Observed], timely: Sequence[Observed] | None = None
) -> tuple[LimitResult, ...]:
    """A result for each limit, of the place where it is kept the least. `timely` are the trials whose times can be
    used, by default all.
    """
    phases = [phase.name for one in observed[:1] for phase in one.counting]
    measured = _Measured(
        observed,
        observed if timely is None else timely,
        tuple(name for name in phases if limits.phases is None or name in limits.phases),
    )
    return tuple(_judge(name, limit, measured) for name, limit in limits.given())


def exit_code_of(summary: Summary) -> int:
    """What a run ends with: whether every limit was kept, one was not, or that could not be told."""
    verdicts = {result.verdict for result in summary.limits}
    if BROKEN in verdicts:
        return EXIT_WORSE
    return EXIT_INCONCLUSIVE if UNDECIDED in verdicts else 0


def told_limits(summary: Summary) -> str:
    """What became of the limits that were not kept, in a line; empty where all were."""
    broken, undecided = (
        sum(result.verdict is verdict for result in summary.limits) for verdict in (BROKEN, UNDECIDED)
    )
    said = [f"{broken} broken"] * bool(broken) + [f"{undecided} undecided"] * bool(undecided)
    return f"of {len(summary.limits)} limits {' and '.join(said)}" if said else ""


def _judge(name: str, limit: float, measured: _Measured) -> LimitResult:
    if name == "recovery_ms":
        return _recovery(limit, measured)
    judged = [(_verdict(name, limit, one), one) for one in _seen(name, measured)]
    nothing = (UNDECIDED, _Seen("", None, "no trial can be used for it"))
    sign = -1 if name.endswith("_min") else 1
    verdict, seen = min(judged or [nothing], key=lambda one: (_WORST.index(one[0]), -sign * (one[1].value or 0.0)))
    return LimitResult(
        name=name,
        limit=limit,
        value=seen.value,
        phase=seen.phase,
        route=seen.route,
        verdict=verdict,
        evidence=f"{seen.where}{': ' if seen.where else ''}{seen.said}",
    )


def _verdict(name: str, limit: float, seen: _Seen) -> CheckVerdict:
    if seen.value is None:
        return UNDECIDED
    kept = seen.value >= limit if name.endswith("_min") else seen.value <= limit + _ROUNDING
    return PASSED if kept else BROKEN


def _seen(name: str, measured: _Measured) -> Iterator[_Seen]:
    if name in _PERCENTILES:
        return _of_phases(measured, lambda fold: _percentile(name, fold))
    if name in _UNDER_LOAD:
        return _a_request(_UNDER_LOAD[name], measured)
    return _OTHERS[name](measured)


def _of_phases(measured: _Measured, read: Callable[[PhaseFold], tuple[float | None, str]]) -> Iterator[_Seen]:
    whole = merge_folds(one.fold.phases for one in measured.timely)
    for phase in measured.phases if measured.timely else ():
        value, said = read(whole.get((phase, ALL), PhaseFold()))
        yield _Seen(phase, value, said, phase)


def _percentile(name: str, fold: PhaseFold) -> tuple[float | None, str]:
    """Of successes, or of all answers where that is more: neither quick failures nor slow ones flatter it."""
    words, answers = _PERCENTILES[name], together(fold)
    success_ms: float | None = getattr(fold.success.latency(), name)
    if success_ms is None:
        return None, f"{fold.success.total:,} successes are too few to tell {words}"
    every_ms: float = getattr(answers.latency(), name)
    if every_ms > success_ms:
        return every_ms, f"{words} of {answers.total:,} answers, failures among them, was {every_ms:.3g} ms"
    return success_ms, f"{words} of {fold.success.total:,} successes was {success_ms:.3g} ms"


def _errors(fold: PhaseFold) -> tuple[float | None, str]:
    share = success_share(fold.outcomes)
    if share is None:
        return None, "no request ended"
    failed = fold.failure.total
    return 1 - share, f"{failed:,} of {failed + fold.success.total:,} requests failed"


def _completed(fold: PhaseFold) -> tuple[float | None, str]:
    if fold.duration_s <= 0:
        return None, "the phase took no time"
    value = per_second(fold.completed, fold.duration_s)
    return value, f"{value:.3g} successes a second"


def _recovery(limit_ms: float, measured: _Measured) -> LimitResult:
    windows = [
        window for one in measured.timely for window in one.fold.windows if window.result.phase in measured.phases
    ]
    (found,) = evaluate([Check(kind="recovers-within", limit=limit_ms)], Evidence(measured.timely, windows, None))
    known_ms = [window.result.recovery_ms for window in windows if window.result.recovery_ms is not None]
    return LimitResult(
        name="recovery_ms",
        limit=limit_ms,
        value=max(known_ms, default=None),
        verdict=found.verdict,
        evidence=found.evidence,
    )


def _checked_out(measured: _Measured) -> Iterator[_Seen]:
    for one in measured.observed:
        readings = [*one.trial.readings_of(PoolReading), *filter(None, [one.trial.record.pool_at_end])]
        yield _most([reading.checked_out_max for reading in readings], "connections were out at once", one)


def _sessions(measured: _Measured) -> Iterator[_Seen]:
    for one in measured.observed:
        readings = [reading for reading in one.trial.readings_of(DatabaseReading) if reading.of_primary]
        yield _most([reading.total for reading in readings], "sessions were there at once", one)


def _most(values: Sequence[int], words: str, one: Observed) -> _Seen:
    where = f"repetition {one.repetition}"
    if not values:
        return _Seen(where, None, f"how many {words} was not read")
    return _Seen(where, float(max(values)), f"{max(values)} {words}")


def _a_request(count: str, measured: _Measured) -> Iterator[_Seen]:
    """Of all requests under load, and of each route that was asked by itself."""
    under_load = counts(measured.observed)
    found: Count | None = None if under_load is None else getattr(under_load, count)
    words = {"opened": "connections opened"}.get(count, count)
    if found is not None:
        yield _Seen("under load", found.per_request, f"{found.per_request:.3g} {words} a request")
    else:
        yield _Seen("under load", None, f"{words} were not counted; that takes a pool that tells of itself")
    yield from _by_itself(measured, words, lambda cost: _share(cost, count))


def _round_trips(measured: _Measured) -> Iterator[_Seen]:
    return _by_itself(
        measured, "round trips", lambda cost: None if cost.round_trips is None else float(cost.round_trips)
    )


def _by_itself(measured: _Measured, words: str, read: Callable[[RouteCost], float | None]) -> Iterator[_Seen]:
    """The most of all repetitions; what only some of them could tell is not told by these."""
    found: dict[str, list[float]] = {}
    for one in measured.observed:
        for cost in one.trial.record.route_costs:
            value = None if cost.failed or not cost.requests else read(cost)
            if value is not None:
                found.setdefault(cost.route, []).append(value)
    if not found and words == "round trips":
        yield _Seen("", None, "no route could be asked by itself for it")
    for route, values in sorted(found.items()):
        yield _Seen(route, max(values), f"{max(values):.3g} {words} a request", route=route)


def _share(cost: RouteCost, count: str) -> float | None:
    value: int | None = getattr(cost, count)
    return None if value is None else value / cost.requests


def _cpu(measured: _Measured) -> Iterator[_Seen]:
    under_load = counts(measured.observed)
    found = None if under_load is None else under_load.target_cpu_ms
    if found is None:
        yield _Seen("under load", None, "how much processor time it took is not known")
    else:
        yield _Seen("under load", found.per_request, f"{found.per_request:.3g} ms of processor time a request")


_OTHERS: Mapping[str, Callable[[_Measured], Iterator[_Seen]]] = {
    "error_share": lambda measured: _of_phases(measured, _errors),
    "completed_per_s_min": lambda measured: _of_phases(measured, _completed),
    "checked_out_max": _checked_out,
    "sessions_max": _sessions,
    "round_trips_per_request": _round_trips,
    "cpu_ms_per_request": _cpu,
}
