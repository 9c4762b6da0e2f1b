"""Latency, throughput and errors of each phase."""

from __future__ import annotations

from collections.abc import Mapping

from reports.summary import Latency, PhaseResult, Ratio, ScenarioResult, Spread, TargetResult
from reports.view.numbers import DASH, between, figure, percent, spread
from reports.view.pieces import amount, in_phases, repeats, whole_number
from reports.view.table import OPERATION, PHASE, TARGET, Cell, Column, Table, table

MEASURES = (
    ("success", "successes"),
    ("failure", "failures"),
    ("together", "both together"),
    ("service", "successes, from the actual send"),
)
"""Each distribution of a PhaseResult, and what it is of."""


def latency_table(scenario: ScenarioResult, measure: str = "success", *, whole: bool = True) -> Table:
    """A row for each counting phase and target, by one of MEASURES; `whole` False: by operation."""
    phases = [
        (target, phase)
        for target in scenario.targets
        for phase in target.phases
        if not phase.warmup and (phase.operation == "all") == whole
    ]
    noisy = any(
        phase.p50_ratio and phase.p50_ratio.noise for target in scenario.targets for phase in target.phases
    )
    columns = (
        PHASE,
        OPERATION,
        TARGET,
        Column("requests", "requests", "Requests"),
        Column("ok", "ok/s", "Completed|1/s"),
        Column("p50", "p50 ms", "p50|ms"),
        Column("half", "± %"),
        Column("p90", "p90 ms", "p90|ms"),
        Column("p99", "p99 ms", "p99|ms"),
        Column("p999", "p99.9 ms", "p99.9|ms"),
        Column("max", "max ms", "max|ms"),
        Column("ratio", "ratio / noise" if noisy else "ratio"),
        Column("p50-ratio", "p50 ratio", "p50|× control"),
        Column("p99-ratio", "p99 ratio", "p99|× control"),
        Column("errors", "errors %", "Errors|%"),
        Column("succeeded", "succeeded %", "Succeeded|%"),
        Column("failure", "failure p50 ms"),
        Column("together", "together p99 ms"),
    )
    rows = (
        {**_names(target, phase), **_latency(phase, getattr(phase, measure)), **_rest(target, phase)}
        for target, phase in in_phases(scenario, phases)
    )
    return table(columns, rows)


def _names(target: TargetResult, phase: PhaseResult) -> dict[str, Cell | str]:
    first = repeats(target)
    notes = () if first is None or phase.operation != "all" else (f"same as {first}",)
    return {"phase": phase.phase, "operation": phase.operation, "target": Cell(target.target, notes=notes)}


def _latency(phase: PhaseResult, found: Latency) -> dict[str, Cell | str]:
    """Intervals are those of successes; of a single operation only the median's is shown."""
    around: Mapping[str, Spread | None] = {}
    if found is phase.success:
        around = dict(phase.intervals) if phase.operation == "all" else {"p50_ms": phase.intervals.p50_ms}
    return {
        "requests": whole_number(found.count),
        "p50": amount(found.p50_ms, around.get("p50_ms")),
        "half": half_width(found.p50_ms, around.get("p50_ms")),
        "p90": amount(found.p90_ms, around.get("p90_ms")),
        "p99": amount(found.p99_ms, around.get("p99_ms")),
        "p999": figure(found.p999_ms),
        "max": figure(found.max_ms),
    }


def _rest(target: TargetResult, phase: PhaseResult) -> dict[str, Cell | str]:
    share, whole = phase.success_share, phase.operation == "all"
    return {
        "ok": amount(phase.completed_per_s, phase.intervals.completed_per_s),
        "ratio": Cell(_ratio(target, phase.p50_ratio), spread(phase.p50_ratio)),
        "p50-ratio": _ratio_with_floor(phase.p50_ratio),
        "p99-ratio": _ratio_with_floor(phase.p99_ratio),
        "errors": percent(None if share is None else 1 - share),
        "succeeded": Cell(percent(share), between(phase.intervals.success_share, 100) if whole else ""),
        "failure": figure(phase.failure.p50_ms),
        "together": figure(phase.together.p99_ms),
    }


def half_width(value: float | None, interval: Spread | None) -> str:
    """How far an interval reaches from the figure, at most, in per cent of it."""
    if not value or interval is None:
        return DASH
    return figure(100 * max(interval.high / value - 1, 1 - interval.low / value, 0.0))


def _ratio(target: TargetResult, ratio: Ratio | None) -> str:
    """The ratio and the noise floor, such as `1.82 / 1.06`; `none` for no difference, `A/A` for a repeat."""
    if target.is_control:
        return "control"
    if ratio is None:
        return DASH
    floor = "" if ratio.noise is None else f" / {figure(ratio.noise)}"
    if repeats(target) is not None:
        return f"A/A{floor}"
    return f"none{floor}" if ratio.beyond_noise is False else f"{figure(ratio.median)}{floor}"


def _ratio_with_floor(ratio: Ratio | None) -> Cell:
    """The ratio with its interval and the floor as small print; `none` for no difference."""
    if ratio is None:
        return Cell(DASH)
    if ratio.beyond_noise is False:
        notes = (f"{figure(ratio.median)}, floor {figure(ratio.noise)}", between(ratio.interval))
        return Cell("none", notes=tuple(filter(None, notes)))
    around = between(ratio.interval) or spread(ratio) if ratio.repetitions > 1 else ""
    return Cell(figure(ratio.median), around, (f"floor {figure(ratio.noise)}",) if ratio.noise else ())
