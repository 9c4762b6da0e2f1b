"""The first table of a page: each target under each scenario in a few words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from reports.summary import (
    CheckVerdict,
    Exhaustion,
    FaultWindow,
    PhaseResult,
    Ratio,
    ScenarioResult,
    Summary,
    TargetResult,
)
from reports.view.checks import check_counts
from reports.view.numbers import figure, percent, plural
from reports.view.pieces import anchor, has_round_trips, is_ladder, whole_phases
from reports.view.run import caveats


def telling_phase(scenario: ScenarioResult) -> str | None:
    """The phase that speaks for a scenario in the first table: the one that strained the control most.

    Phases with faults come first; then the lowest share of successes to the nearest per cent; then the highest
    median under a fault, or the highest p90 without, so that chance seldom decides.
    """
    faulty = {phase.name for phase in scenario.phases if phase.faults}
    control = next((target for target in scenario.targets if target.is_control), None)
    for target in ([control] if control else []) + list(scenario.targets):
        if phases := whole_phases(target):
            return max(
                phases,
                key=lambda phase: (
                    phase.phase in faulty,
                    -round(1.0 if phase.success_share is None else phase.success_share, 2),
                    (phase.together.p50_ms if phase.phase in faulty else phase.together.p90_ms) or 0.0,
                ),
            ).phase
    return None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one target under one scenario, in a few words; `lines` are small print under the `headline`."""

    headline: str
    unit: str
    lines: tuple[str, ...]
    passed: int
    broken: int
    undecided: int
    caveats: bool


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """One scenario of the first table; `measure` says what the headline figures are."""

    anchor: str
    title: str
    phase: str
    measure: str
    cells: tuple[Answer | None, ...]


def matrix(summary: Summary) -> tuple[MatrixRow, ...]:
    """One row a scenario, one cell a target of the run; None where that target has no result."""
    return tuple(_matrix_row(summary, number, scenario) for number, scenario in enumerate(summary.scenarios, 1))


def _matrix_row(summary: Summary, number: int, scenario: ScenarioResult) -> MatrixRow:
    by_name = {target.target: target for target in scenario.targets}
    ladder, tripping = is_ladder(scenario), has_round_trips(scenario)
    phase = None if ladder or tripping else telling_phase(scenario)
    phases = {
        name: next((result for result in whole_phases(target) if result.phase == phase), None)
        for name, target in by_name.items()
    }
    enough = all(
        result.success.p99_ms is not None for result in phases.values() if result and result.success.count
    )
    scopes = {place for caveat in caveats(summary) for place in (caveat.scope, *caveat.places)}

    def cell(name: str) -> Answer | None:
        target = by_name.get(name)
        if target is None:
            return None
        flagged = f"{scenario.name}/{name}" in scopes
        if target.exhaustion is not None:
            return _ladder_cell(target, target.exhaustion, flagged)
        return _trips_cell(target, flagged) if tripping else _phase_cell(target, phases[name], enough, flagged)

    return MatrixRow(
        anchor=anchor(number),
        title=scenario.title,
        phase=phase or "",
        measure="where it ran out"
        if ladder
        else "round trips of one request"
        if tripping
        else "p50 / p99"
        if enough
        else "p50 / p90",
        cells=tuple(cell(name) for name in summary.run.targets),
    )


def _phase_cell(target: TargetResult, phase: PhaseResult | None, p99: bool, flagged: bool) -> Answer:
    if phase is None:
        return _empty_cell(target, flagged)
    upper = phase.success.p99_ms if p99 else phase.success.p90_ms
    lines = [_ratio_line(target, phase.p50_ratio)]
    lost = None if phase.success_share is None else 1 - phase.success_share
    lines.append(f"errors {percent(lost)} %")
    lines.append(_recovery_line(target.faults))
    return _cell(target, f"{figure(phase.success.p50_ms)} / {figure(upper)}", "ms", filter(None, lines), flagged)


def _ratio_line(target: TargetResult, ratio: Ratio | None) -> str:
    if ratio is None:
        return "control" if target.is_control else ""
    between = f" ({figure(ratio.low)}–{figure(ratio.high)})" if ratio.repetitions > 1 else ""
    if ratio.beyond_noise is False:
        return f"no difference shown: × {figure(ratio.median)}{between}, floor {figure(ratio.noise)}"
    return f"{figure(ratio.median)} × control{between}"


def _recovery_line(faults: Iterable[FaultWindow]) -> str:
    faults = tuple(faults)
    if not faults:
        return ""
    known = [fault.recovery_ms for fault in faults if fault.recovery_ms is not None]
    missing = len(faults) - len(known)
    if missing:
        return f"not recovered: {missing} of {plural(len(faults), 'fault')}"
    return f"recovery at most {figure(max(known))} ms"


def _trips_cell(target: TargetResult, flagged: bool) -> Answer:
    if not target.round_trips:
        return _empty_cell(target, flagged)
    first, *others = target.round_trips
    lines = [
        f"{first.operation}, {figure(first.low)}–{figure(first.high)}",
        *(f"{trips.operation}: {figure(trips.slope)}" for trips in others),
    ]
    return _cell(target, figure(first.slope), "", lines, flagged)


def _ladder_cell(target: TargetResult, ladder: Exhaustion, flagged: bool) -> Answer:
    if not ladder.steps:
        return _empty_cell(target, flagged)
    if ladder.onset_offered is None:
        headline = f"no refusals up to {ladder.said(ladder.steps[-1].offered).removesuffix(' at once')}"
    else:
        headline = f"{ladder.onset_sign} from {ladder.said(ladder.onset_offered).removesuffix(' at once')}"
    if ladder.checked_out_max is None:
        lines = ["the pool was not seen"]
    elif ladder.limit is None:
        lines = [f"{ladder.checked_out_max} checked out, no limit"]
    else:
        lines = [f"{ladder.checked_out_max} of {ladder.limit} checked out"]
    if ladder.short_of is not None:
        lines.append(f"only {ladder.short_of} sessions in PostgreSQL")
    lost = sum(step.refused + step.failed for step in ladder.steps)
    total = lost + sum(step.success.count for step in ladder.steps)
    lines.append(f"errors {percent(lost / total if total else None)} %")
    return _cell(target, headline, "", lines, flagged)


def _empty_cell(target: TargetResult, flagged: bool) -> Answer:
    states = [trial.state for trial in target.trials]
    line = "every trial was invalid" if states and set(states) == {"invalid"} else "no completed trial"
    return _cell(target, "no figures", "", [line], flagged)


def _cell(target: TargetResult, headline: str, unit: str, lines: Iterable[str], flagged: bool) -> Answer:
    counts = check_counts([target])
    return Answer(
        headline=headline,
        unit=unit,
        lines=tuple(lines),
        passed=counts[CheckVerdict.PASSED],
        broken=counts[CheckVerdict.BROKEN],
        undecided=counts[CheckVerdict.UNDECIDED],
        caveats=flagged,
    )
