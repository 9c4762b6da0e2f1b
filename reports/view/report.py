"""All that a report says of one run: Summary -> sections, each built once. Formats only draw them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from reports.summary import Caveat, CheckVerdict, RunInfo, ScenarioResult, Summary
from reports.view import checks, circumstances, costs, faults, inside, ladder, latency, oracles
from reports.view import run as whole
from reports.view.findings import FindingsView, findings
from reports.view.matrix import MatrixRow, matrix
from reports.view.numbers import percent, setting
from reports.view.pieces import all_targets, anchor, has_round_trips, is_ladder, repeated
from reports.view.sentences import what_came_out
from reports.view.table import Table
from reports.wording import seconds

Sort = Literal["phases", "ladder", "round trips"]


@dataclass(frozen=True, slots=True)
class PhaseLine:
    """A phase as planned, in words."""

    name: str
    load: str
    behaviour: str
    warmup: bool
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ScenarioView:
    """One scenario. Tables are None where there is nothing to show, sentences empty."""

    anchor: str
    result: ScenarioResult
    sort: Sort
    came_out: str
    phases: tuple[PhaseLine, ...]
    ladder_words: str
    overrides: str
    left_out: tuple[whole.LeftOut, ...]
    left_out_lines: tuple[str, ...]
    latency: tuple[tuple[str, str, Table], ...]  # measure, what it is of
    latency_by_operation: Table
    faults: Table | None
    windows: Table | None
    ladder: Table | None
    ladder_lines: tuple[str, ...]
    steps: Table | None
    round_trips: Table | None
    breakdown: Table | None
    breakdown_by_operation: Table | None
    believed: str  # the smallest share, in per cent; empty where it is all
    counts: Table | None
    counts_in_short: Table | None
    counts_by_name: Table | None
    held: Table | None
    returned: Table | None
    inside: Table | None
    inside_times: Table | None
    errors: Table | None
    errors_by_operation: Table | None
    error_lines: tuple[str, ...]
    checks: Table | None
    checks_in_short: str
    failed_checks: tuple[tuple[CheckVerdict, str], ...]
    limits: Table | None
    limit_lines: tuple[tuple[CheckVerdict, str], ...]
    oracles: Table | None
    broken_oracles: tuple[str, ...]
    ledger: Table | None
    repeats: tuple[str, ...]

    @property
    def breakdown_of_top(self) -> Table | None:
        """The breakdown of a ladder's last step, for where there is little room."""
        last = self.result.phases[-1].name
        top = self.breakdown and self.breakdown.where("phase", last)
        return top if top and top.rows else None

    @property
    def successes(self) -> Table:
        """Latency of the successes, by phase."""
        return self.latency[0][2]


@dataclass(frozen=True, slots=True)
class ReportView:
    """One run. `came_out` are anchor, title and what came out of each scenario with figures."""

    run: RunInfo
    title: str
    lines: tuple[str, ...]
    rates: str
    facts: str
    scenarios: tuple[ScenarioView, ...]
    left_out: tuple[whole.LeftOut, ...]
    findings: FindingsView
    matrix: tuple[MatrixRow, ...]
    checks: str
    broken: tuple[whole.BrokenCheck, ...]
    caveats: tuple[Caveat, ...]
    other_caveats: tuple[Caveat, ...]  # than those of trials left out
    missing_tails: bool
    differences: tuple[str, ...]
    ledgers: tuple[circumstances.TitledTable, ...]
    settings: Table | None
    environment: Table
    environment_groups: tuple[circumstances.Facts, ...]
    repeated: dict[str, str]
    note: str = whole.NOTE


def view_report(summary: Summary) -> ReportView:
    """Everything, built once."""
    left_out, rates = whole.left_out(summary), whole.rates_line(summary.run)
    return ReportView(
        run=summary.run,
        title=whole.run_title(summary.run),
        lines=tuple(filter(None, (*whole.run_lines(summary), rates, whole.aa_line(summary)))),
        rates=rates,
        facts=circumstances.first_facts(summary.run.environment),
        scenarios=tuple(
            _scenario(scenario, anchor(number), left_out, summary.run.repetitions > 1)
            for number, scenario in enumerate(summary.scenarios, 1)
        ),
        left_out=left_out,
        findings=findings(summary),
        matrix=matrix(summary),
        checks=whole.checks_of_run(summary),
        broken=whole.broken_checks(summary),
        caveats=summary.caveats,
        other_caveats=whole.caveats(summary),
        missing_tails=whole.missing_tails(summary),
        differences=tuple(circumstances.ledger_lines(summary)),
        ledgers=circumstances.ledgers(summary),
        settings=circumstances.setting_table(summary),
        environment=circumstances.environment_table(summary.run.environment),
        environment_groups=circumstances.environment_groups(summary.run.environment),
        repeated=repeated(all_targets(summary)),
    )


def _scenario(
    result: ScenarioResult, anchor: str, left_out: tuple[whole.LeftOut, ...], several: bool
) -> ScenarioView:
    climbs, trips = is_ladder(result), has_round_trips(result)
    believed = costs.believed(result)
    return ScenarioView(
        anchor=anchor,
        result=result,
        sort="ladder" if climbs else "round trips" if trips else "phases",
        came_out=what_came_out(result),
        phases=_phase_lines(result),
        ladder_words=ladder.ladder_words(result),
        overrides=", ".join(f"{name} = {setting(value)}" for name, value in result.pool_overrides.items()),
        left_out=tuple(trial for trial in left_out if trial.anchor == anchor),
        left_out_lines=tuple(whole.left_out_lines(result)),
        latency=tuple((key, words, latency.latency_table(result, key)) for key, words in latency.MEASURES),
        latency_by_operation=latency.latency_table(result, whole=False),
        faults=faults.fault_table(result),
        windows=faults.window_table(result, several=several),
        ladder=ladder.ladder_table(result) if climbs else None,
        ladder_lines=tuple(ladder.exhaustion_lines(result)),
        steps=ladder.step_table(result) if climbs else None,
        round_trips=ladder.round_trips_table(result),
        breakdown=costs.breakdown_table(result),
        breakdown_by_operation=costs.breakdown_table(result, whole=False),
        believed=percent(believed) if believed is not None and believed < 1 else "",
        counts=costs.count_table(result),
        counts_in_short=costs.count_table(result, short=True),
        counts_by_name=costs.count_rows(result),
        held=costs.held_table(result),
        returned=costs.held_table(result, "release"),
        inside=inside.inside_table(result),
        inside_times=inside.times_table(result),
        errors=checks.error_table(result),
        errors_by_operation=checks.error_table(result, whole=False),
        error_lines=tuple(checks.error_lines(result)),
        checks=checks.check_table(result),
        checks_in_short=checks.checks_sentence(result),
        failed_checks=tuple(checks.check_lines(result)),
        limits=checks.limit_table(result),
        limit_lines=tuple(checks.limit_lines(result)),
        oracles=oracles.oracle_table(result),
        broken_oracles=tuple(oracles.oracle_lines(result)),
        ledger=circumstances.ledger_table(result.ledger),
        repeats=tuple(repeated(result.targets)),
    )


def _phase_lines(result: ScenarioResult) -> tuple[PhaseLine, ...]:
    return tuple(
        PhaseLine(
            phase.name,
            f"{seconds(phase.duration_s)} s of {phase.load}",
            phase.behaviour,
            phase.warmup,
            phase.faults,
        )
        for phase in result.phases
    )
