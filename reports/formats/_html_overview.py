"""The first screen: one cell for each scenario and target, trials left out, checks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from reports.formats._numbers import figure, percent, plural
from reports.formats._tables import is_ladder
from reports.summary import (
    Caveat,
    CheckResult,
    CheckVerdict,
    Exhaustion,
    FaultWindow,
    PhaseResult,
    Ratio,
    ScenarioResult,
    Summary,
    TargetResult,
)

_FIRST_FACTS = {
    "cpu_model": "{}",
    "cpu_count": "{} cores",
    "memory_mib": "{} MiB of memory",
    "postgres": "PostgreSQL {}",
    "toxiproxy": "Toxiproxy {}",
    "python": "Python {}",
    "kernel": "kernel {}",
}


def anchor(number: int) -> str:
    """The fragment of the section of the scenario with this number."""
    return f"scenario-{number}"


def whole_phases(target: TargetResult) -> tuple[PhaseResult, ...]:
    """All operations together, warm-up left out."""
    return tuple(phase for phase in target.phases if phase.operation == "all" and not phase.warmup)


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


def repeated(summary: Summary) -> dict[str, str]:
    """Target -> the target that it repeats, for the noise floor (A/A)."""
    return {
        target.target: target.same_as
        for scenario in summary.scenarios
        for target in scenario.targets
        if target.same_as is not None
    }


# --- the matrix ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Cell:
    """One target under one scenario, in a few words; `lines` are small print under the `headline`."""

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
    cells: tuple[Cell | None, ...]


def matrix(summary: Summary) -> tuple[MatrixRow, ...]:
    """One row a scenario, one cell a target of the run; None where that target has no result."""
    return tuple(_matrix_row(summary, number, scenario) for number, scenario in enumerate(summary.scenarios, 1))


def _matrix_row(summary: Summary, number: int, scenario: ScenarioResult) -> MatrixRow:
    by_name = {target.target: target for target in scenario.targets}
    ladder, tripping = is_ladder(scenario), any(target.round_trips for target in scenario.targets)
    phase = None if ladder or tripping else telling_phase(scenario)
    phases = {
        name: next((result for result in whole_phases(target) if result.phase == phase), None)
        for name, target in by_name.items()
    }
    enough = all(
        result.success.p99_ms is not None for result in phases.values() if result and result.success.count
    )
    scopes = {place for caveat in caveats(summary) for place in (caveat.scope, *caveat.places)}

    def cell(name: str) -> Cell | None:
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


def _phase_cell(target: TargetResult, phase: PhaseResult | None, p99: bool, flagged: bool) -> Cell:
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


def _trips_cell(target: TargetResult, flagged: bool) -> Cell:
    if not target.round_trips:
        return _empty_cell(target, flagged)
    first, *others = target.round_trips
    lines = [
        f"{first.operation}, {figure(first.low)}–{figure(first.high)}",
        *(f"{trips.operation}: {figure(trips.slope)}" for trips in others),
    ]
    return _cell(target, figure(first.slope), "", lines, flagged)


def _ladder_cell(target: TargetResult, ladder: Exhaustion, flagged: bool) -> Cell:
    if not ladder.steps:
        return _empty_cell(target, flagged)
    if ladder.onset_offered is None:
        headline = f"no refusals up to {ladder.said(ladder.steps[-1].offered).removesuffix(' at once')}"
    else:
        headline = f"{ladder.onset_sign} from {ladder.said(ladder.onset_offered).removesuffix(' at once')}"
    most = known(ladder.checked_out_max)
    lines = [f"{most} checked out, no limit" if ladder.limit is None else f"{most} of {ladder.limit} checked out"]
    lost = sum(step.refused + step.failed for step in ladder.steps)
    total = lost + sum(step.success.count for step in ladder.steps)
    lines.append(f"errors {percent(lost / total if total else None)} %")
    return _cell(target, headline, "", lines, flagged)


def known(value: int | None) -> str:
    """The number, or words for none."""
    return "an unknown number" if value is None else str(value)


def _empty_cell(target: TargetResult, flagged: bool) -> Cell:
    states = [trial.state for trial in target.trials]
    line = "every trial was invalid" if states and set(states) == {"invalid"} else "no completed trial"
    return _cell(target, "no figures", "", [line], flagged)


def _cell(target: TargetResult, headline: str, unit: str, lines: Iterable[str], flagged: bool) -> Cell:
    def count(verdict: CheckVerdict) -> int:
        return sum(check.verdict is verdict for check in target.checks)

    return Cell(
        headline=headline,
        unit=unit,
        lines=tuple(lines),
        passed=count(CheckVerdict.PASSED),
        broken=count(CheckVerdict.BROKEN),
        undecided=count(CheckVerdict.UNDECIDED),
        caveats=flagged,
    )


# --- trials and checks -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A trial whose figures are in none of the tables and charts."""

    anchor: str
    scenario: str
    target: str
    repetition: int
    state: str
    reason: str
    advice: str


def left_out(summary: Summary) -> tuple[LeftOut, ...]:
    """Every trial that did not complete, or that must not be used; the invalid ones first."""
    found = [
        LeftOut(
            anchor=anchor(number),
            scenario=scenario.title,
            target=target.target,
            repetition=trial.repetition,
            state=trial.state.replace("-", " "),
            reason=(trial.reason or "no reason recorded").rstrip("."),
            advice=trial.advice,
        )
        for number, scenario in enumerate(summary.scenarios, 1)
        for target in scenario.targets
        for trial in target.trials
        if trial.state != "completed"
    ]
    return tuple(sorted(found, key=lambda trial: trial.state != "invalid"))


def caveats(summary: Summary) -> tuple[Caveat, ...]:
    """What limits the figures, but for the trials left out, of which the page tells in a place of its own."""
    told = {
        f"trial-{trial.state}"
        for scenario in summary.scenarios
        for target in scenario.targets
        for trial in target.trials
        if trial.state != "completed"
    }
    return tuple(caveat for caveat in summary.caveats if caveat.code not in told)


def check_counts(summary: Summary) -> dict[str, int]:
    """Verdict -> how many checks of the run ended so."""
    verdicts = [check.verdict for _, _, check in _checks(summary)]
    return {verdict.value: verdicts.count(verdict) for verdict in CheckVerdict}


def broken_checks(summary: Summary) -> tuple[tuple[str, str, str, str], ...]:
    """Anchor, scenario and target, kind, evidence of each broken check."""
    return tuple(
        (anchor(number), f"{summary.scenarios[number - 1].title}, {target}", check.kind, check.evidence)
        for number, target, check in _checks(summary)
        if check.verdict is CheckVerdict.BROKEN
    )


def _checks(summary: Summary) -> list[tuple[int, str, CheckResult]]:
    return [
        (number, target.target, check)
        for number, scenario in enumerate(summary.scenarios, 1)
        for target in scenario.targets
        for check in target.checks
    ]


def missing_tails(summary: Summary) -> bool:
    """Whether some p99 or p99.9 is left out for want of requests, so that the dash needs its explanation."""
    return any(
        phase.success.count and (phase.success.p99_ms is None or phase.success.p999_ms is None)
        for scenario in summary.scenarios
        for target in scenario.targets
        for phase in target.phases
    )


def first_facts(environment: Mapping[str, str]) -> tuple[str, ...]:
    """What of the environment bears most on the figures, as short phrases."""
    return tuple(
        words.format(value) if not value.lower().startswith(words.split(" ", maxsplit=1)[0].lower()) else value
        for name, words in _FIRST_FACTS.items()
        if (value := environment.get(name))
    )
