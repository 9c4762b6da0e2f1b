"""What a run was, which of its trials are left out, and what limits its figures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC

from reports.summary import Caveat, CheckVerdict, RunInfo, ScenarioResult, Summary
from reports.view.checks import check_counts
from reports.view.numbers import DASH, plural
from reports.view.pieces import all_targets, anchor, repeated

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


def rates_line(run: RunInfo) -> str:
    """Who puts the load on an app, and by what its rates were chosen; empty where both are as ever."""
    load = f"The load comes from {run.locustfile}. " if run.locustfile else ""
    if run.borne_per_s is None or run.usual_per_s is None:
        return load.strip()
    return (
        f"{load}Rates are for an app that bore {run.borne_per_s:,.0f} requests a second before the trials: "
        f"{run.usual_per_s:g}/s were taken as usual for it (--rate sets them)."
    )


def aa_line(summary: Summary) -> str:
    """Which targets are others run again, in a sentence; empty where none is."""
    pairs = repeated(all_targets(summary))
    if not pairs:
        return ""
    return "; ".join(f"{again} is {first} once more, for the noise floor" for again, first in pairs.items()) + "."


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


@dataclass(frozen=True, slots=True)
class BrokenCheck:
    """A check that was broken: where, what and how it showed."""

    anchor: str
    where: str
    kind: str
    evidence: str


def broken_checks(summary: Summary) -> tuple[BrokenCheck, ...]:
    """Every one of the run."""
    return tuple(
        BrokenCheck(
            anchor(number), f"{scenario.title}, {target.target}", check.kind.replace("-", " "), check.evidence
        )
        for number, scenario in enumerate(summary.scenarios, 1)
        for target in scenario.targets
        for check in target.checks
        if check.verdict is CheckVerdict.BROKEN
    )


def checks_of_run(summary: Summary) -> str:
    """How all checks of the run ended, in a sentence."""
    passed, broken, undecided = check_counts(all_targets(summary)).values()
    return f"Checks: {passed} passed, {broken} broken, {undecided} undecided for want of evidence."


def missing_tails(summary: Summary) -> bool:
    """Whether some p99 or p99.9 is left out for want of requests, so that the dash needs its explanation."""
    return any(
        phase.success.count and (phase.success.p99_ms is None or phase.success.p999_ms is None)
        for scenario in summary.scenarios
        for target in scenario.targets
        for phase in target.phases
    )


def left_out_lines(scenario: ScenarioResult) -> Iterator[str]:
    """Trials without figures here, by target; their reasons are among the caveats."""
    for target in scenario.targets:
        lost = [f"{line.repetition} ({line.state})" for line in target.trials if line.state != "completed"]
        if lost:
            word = "repetition" if len(lost) == 1 else "repetitions"
            yield f"left out of {target.target}: {word} {', '.join(lost)}"
