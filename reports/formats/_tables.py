"""What terminal and Markdown have in common: the rows of their tables and the words of their lists."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC

from reports.formats._numbers import DASH, between, figure, percent, plural, spread
from reports.summary import (
    CheckVerdict,
    Exhaustion,
    FaultSummary,
    Latency,
    PhaseResult,
    Ratio,
    RunInfo,
    ScenarioResult,
    Spread,
    Summary,
    TargetResult,
)

NOTE = (
    "Latencies are in ms, of successful requests, from the intended send; ok/s counts successes by when they were "
    "answered. ± is the 95 % interval over three or more repetitions, of two their range. The ratio is p50 over "
    "that of the control, paired by repetition, then the noise floor that running one target twice shows (A/A); "
    "within it, and where its interval reaches across 1, the ratio is `none`. Recovery runs from the healing to "
    "steady success, in steps of 100 ms: median, "
    "fastest and slowest. The mean response time parts into lag (intended to actual send), waiting in the pool's "
    "queue, connecting, pre-pings, statements and the rest. Counts are for each request: statements, connections "
    "taken, opened and found broken (lost), pre-pings, transactions as PostgreSQL counts them, and ms of "
    f"processor time. {DASH} means none, not recorded or too few requests."
)


@dataclass(frozen=True, slots=True)
class Column:
    """A heading, with its unit, and whether figures stand under it."""

    heading: str
    numeric: bool = True


@dataclass(frozen=True, slots=True)
class Table:
    """Headings and rows of text; a row whose first cell is empty continues the group above."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]


def counting(target: TargetResult) -> list[PhaseResult]:
    """The phases that count, all operations together."""
    return [phase for phase in target.phases if phase.operation == "all" and not phase.warmup]


def run_lines(summary: Summary) -> tuple[str, str]:
    """What was run, and on what."""
    run, environment = summary.run, summary.run.environment
    what = (
        f"{plural(len(run.targets), 'target')}, {plural(len(summary.scenarios), 'scenario')}, "
        f"{plural(run.repetitions, 'repetition')}, seed {run.seed}, control {run.control}"
    )
    where = (
        f"{environment.get('cpu_model', 'unknown processor')} ({environment.get('cpu_count', '?')} cores), "
        f"PostgreSQL {environment.get('postgres', '?')}, Toxiproxy {environment.get('toxiproxy', '?')}"
    )
    return what, where


def run_title(run: RunInfo) -> str:
    """The run's name, date and state."""
    trials = f"{run.trials_completed} of {plural(run.trials_planned, 'trial')} completed"
    if run.trials_invalid:
        trials += f", {run.trials_invalid} invalid"
    return f"{run.run_id}, {run.created_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC, {run.state}, {trials}"


def phase_table(scenario: ScenarioResult, *, wide: bool) -> Table:
    """One row for each phase and target; `wide` adds intervals, failures and the range of the ratio."""
    noisy = any(p.p50_ratio and p.p50_ratio.noise for target in scenario.targets for p in target.phases)
    columns = [
        Column("phase", False),
        Column("target", False),
        Column("ok/s"),
        Column("p50 ms"),
        *(() if wide else (Column("± %"),)),
        *(Column(f"{name} ms") for name in ("p90", "p99", "max")),
        Column("ratio / noise" if noisy else "ratio"),
        Column("errors %"),
    ]
    if wide:
        columns += [Column("failure p50 ms"), Column("together p99 ms")]
    rows: list[tuple[str, ...]] = []
    for info in scenario.phases:
        named = False
        for target in scenario.targets:
            for phase in counting(target):
                if phase.phase == info.name:
                    row = _phase_row(target, phase) if wide else _short_phase_row(target, phase)
                    rows.append(("" if named else phase.phase, *row))
                    named = True
    return _without_empty(Table(tuple(columns), tuple(rows)), "± %")


def _without_empty(table: Table, heading: str) -> Table:
    """The table without a column under which nothing stands."""
    places = [index for index, column in enumerate(table.columns) if column.heading == heading]
    empty = [index for index in places if all(row[index] == DASH for row in table.rows)]
    return Table(
        tuple(column for index, column in enumerate(table.columns) if index not in empty),
        tuple(tuple(cell for index, cell in enumerate(row) if index not in empty) for row in table.rows),
    )


def _short_phase_row(target: TargetResult, phase: PhaseResult) -> tuple[str, ...]:
    ok = phase.success
    return (
        target.target,
        figure(phase.completed_per_s),
        figure(ok.p50_ms),
        half_width(ok.p50_ms, phase.intervals.p50_ms),
        *map(figure, (ok.p90_ms, ok.p99_ms, ok.max_ms)),
        ratio_cell(target, phase.p50_ratio),
        percent(_error_share(phase)),
    )


def _phase_row(target: TargetResult, phase: PhaseResult) -> tuple[str, ...]:
    ok, intervals = phase.success, phase.intervals
    around = spread(phase.p50_ratio)
    return (
        target.target,
        with_interval(phase.completed_per_s, intervals.completed_per_s),
        with_interval(ok.p50_ms, intervals.p50_ms),
        with_interval(ok.p90_ms, intervals.p90_ms),
        with_interval(ok.p99_ms, intervals.p99_ms),
        figure(ok.max_ms),
        ratio_cell(target, phase.p50_ratio) + (f" ({around})" if around else ""),
        percent(_error_share(phase)),
        figure(phase.failure.p50_ms),
        figure(phase.together.p99_ms),
    )


def _error_share(phase: PhaseResult) -> float | None:
    return None if phase.success_share is None else 1 - phase.success_share


def with_interval(value: float | None, interval: Spread | None) -> str:
    """A figure with its interval over repetitions, such as `4.10 (3.90–4.32)`."""
    around = between(interval)
    return f"{figure(value)} ({around})" if around and value is not None else figure(value)


def half_width(value: float | None, interval: Spread | None) -> str:
    """How far an interval reaches from the figure, at most, in per cent of it."""
    if not value or interval is None:
        return DASH
    return figure(100 * max(interval.high / value - 1, 1 - interval.low / value, 0.0))


def ratio_cell(target: TargetResult, ratio: Ratio | None) -> str:
    """The ratio and the noise floor, such as `1.82 / 1.06`; `none` for no difference, `A/A` for a repeat."""
    if target.is_control:
        return "control"
    if ratio is None:
        return DASH
    floor = "" if ratio.noise is None else f" / {figure(ratio.noise)}"
    if target.same_as is not None:
        return f"A/A{floor}"
    return f"none{floor}" if ratio.beyond_noise is False else f"{figure(ratio.median)}{floor}"


def left_out_lines(scenario: ScenarioResult) -> Iterator[str]:
    """Trials without figures here, by target; their reasons are among the caveats."""
    for target in scenario.targets:
        lost = [f"{line.repetition} ({line.state})" for line in target.trials if line.state != "completed"]
        if lost:
            word = "repetition" if len(lost) == 1 else "repetitions"
            yield f"left out of {target.target}: {word} {', '.join(lost)}"


def fault_table(scenario: ScenarioResult) -> Table | None:
    """One row for each fault and target, repetitions together; None for a scenario without faults."""
    rows: list[tuple[str, ...]] = []
    for phase, kind in dict.fromkeys((f.phase, f.kind) for t in scenario.targets for f in t.fault_summaries):
        name = f"{kind} in {phase}"
        for target in scenario.targets:
            for found in target.fault_summaries:
                if (found.phase, found.kind) == (phase, kind):
                    rows.append((name, target.target, *_fault_cells(found)))
                    name = ""
    headings = ("sent inside", "answered inside", "errors %", "p50 ms", "recovery ms")
    columns = (Column("fault", False), Column("target", False), *map(Column, headings))
    return Table(columns, tuple(rows)) if rows else None


def _fault_cells(found: FaultSummary) -> tuple[str, ...]:
    return (
        f"{found.requests:,}",
        f"{found.answered_inside:,}",
        percent(found.error_share),
        figure(found.success.p50_ms),
        recovery_cell(found),
    )


def recovery_cell(found: FaultSummary) -> str:
    """Median, fastest and slowest, such as `95.0 (80.1–101)`; how often none was seen."""
    never = found.windows - found.recovered
    if never:
        return f"none seen ({never} of {found.windows})"
    if found.windows == 1:
        return figure(found.recovery_median_ms)
    around = f"{figure(found.recovery_min_ms)}–{figure(found.recovery_max_ms)}"
    return f"{figure(found.recovery_median_ms)} ({around})"


def is_ladder(scenario: ScenarioResult) -> bool:
    """Whether the scenario climbs a ladder of users or of arrivals."""
    return any(target.exhaustion is not None for target in scenario.targets)


def ladder_table(scenario: ScenarioResult) -> Table:
    """One row for each target: where exhaustion began and what the pool showed."""
    closed = all(t.exhaustion.offered_in == "users" for t in scenario.targets if t.exhaustion is not None)
    headings = (
        "limit",
        "most out",
        "onset users" if closed else "onset /s",
        "best ok/s",
        "p50 ms before",
        "p50 ms at top",
        "errors % at top",
    )
    columns = (Column("target", False), *map(Column, headings))
    rows = tuple(_ladder_row(t.target, t.exhaustion) for t in scenario.targets if t.exhaustion is not None)
    return Table(columns, rows)


def _ladder_row(name: str, found: Exhaustion) -> tuple[str, ...]:
    before: Latency | None = None
    for step in found.steps:
        if step.phase == found.onset_phase:
            break
        before = step.success
    top = found.steps[-1]
    bad = top.refused + top.failed
    return (
        name,
        "none" if found.limit is None else str(found.limit),
        DASH if found.checked_out_max is None else str(found.checked_out_max),
        "none" if found.onset_offered is None else f"{found.onset_offered:g}",
        figure(max(step.completed_per_s for step in found.steps)),
        figure(before.p50_ms if before else None),
        figure(top.success.p50_ms),
        percent(bad / (bad + top.success.count)) if bad + top.success.count else DASH,
    )


def exhaustion_sentence(target: TargetResult) -> str:
    """Where exhaustion began, in a sentence."""
    found = target.exhaustion
    if found is None:
        return ""
    if found.onset_offered is None:
        text = f"no refusals or failures up to {found.said(found.steps[-1].offered)}"
    else:
        text = f"{found.onset_sign} from {found.said(found.onset_offered)} on"
    if found.checked_out_max is not None:
        of_limit = "" if found.limit is None else f" of {found.limit}"
        text += f"; at most {found.checked_out_max}{of_limit} connections out"
    if found.saturation_offered is not None:
        text += f"; throughput gains less than 5 % from {found.said(found.saturation_offered)} on"
    return f"{target.target}: {text}."


def step_table(target: TargetResult) -> Table:
    """Every step of one target's ladder."""
    found = target.exhaustion
    unit = "requests/s" if found is not None and found.offered_in == "per_s" else "users"
    headings = (unit, "ok/s", "p50 ms", "p99 ms", "max ms", "refused", "failed", "most in flight", "most out")
    steps = found.steps if found is not None else ()
    rows = tuple(
        (
            f"{step.offered:g}",
            with_interval(step.completed_per_s, step.intervals.completed_per_s),
            with_interval(step.success.p50_ms, step.intervals.p50_ms),
            with_interval(step.success.p99_ms, step.intervals.p99_ms),
            figure(step.success.max_ms),
            f"{step.refused:,}",
            f"{step.failed:,}",
            DASH if step.in_flight_max is None else str(step.in_flight_max),
            DASH if step.checked_out_max is None else str(step.checked_out_max),
        )
        for step in steps
    )
    return Table(tuple(map(Column, headings)), rows)


def error_lines(scenario: ScenarioResult) -> Iterator[str]:
    """Errors by kind for each target that had any, all phases that are not warm-up together."""
    warm = {phase.name for phase in scenario.phases if phase.warmup}
    for target in scenario.targets:
        kinds: Counter[tuple[str, str]] = Counter()
        for error in target.errors:
            if error.phase not in warm:
                kinds[error.outcome, error.kind] += error.count
        if kinds:
            listed = ", ".join(f"{count:,} {kind} ({outcome})" for (outcome, kind), count in kinds.most_common())
            yield f"{target.target}: {listed}"


def check_lines(scenario: ScenarioResult) -> Iterator[tuple[CheckVerdict, str]]:
    """Each check that did not pass, with its evidence."""
    for target in scenario.targets:
        for check in target.checks:
            if check.verdict is not CheckVerdict.PASSED:
                limit = "" if check.limit is None else f" {check.limit:g}"
                yield check.verdict, f"{target.target}: {check.kind}{limit}: {check.evidence}"


def check_counts(scenario: ScenarioResult) -> str:
    """How many checks passed, such as `5 of 6 checks passed, 1 undecided`; empty where there are none."""
    verdicts = Counter(check.verdict for target in scenario.targets for check in target.checks)
    if not verdicts:
        return ""
    text = f"{verdicts[CheckVerdict.PASSED]} of {plural(verdicts.total(), 'check')} passed"
    for verdict in (CheckVerdict.BROKEN, CheckVerdict.UNDECIDED):
        if verdicts[verdict]:
            text += f", {verdicts[verdict]} {verdict.value}"
    return text
