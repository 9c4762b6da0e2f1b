"""Two summaries side by side: pure, Summary x Summary -> Comparison. Judging is left to the gate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from reports.summary import (
    Caveat,
    CheckVerdict,
    Count,
    Counts,
    PhaseResult,
    Result,
    RoundTrips,
    RunInfo,
    ScenarioResult,
    Summary,
    TargetResult,
)
from reports.wording import seconds

COMPARISON_FORMAT = "poolstorm-comparison"
COMPARISON_VERSION = 2


class Figures(Result):
    """What is compared of one phase of one target in one run; latencies are those of successes."""

    requests: int  # answered or given up, aborted ones left out
    p50_ms: float | None
    p99_ms: float | None
    completed_per_s: float  # successes
    error_share: float | None  # of requests


class ComparedPhase(Result):
    """One phase of one target in both runs. Ratios are B over A; None where either side has no figure."""

    scenario: str
    target: str
    phase: str
    load: str
    a: Figures
    b: Figures
    p50_ratio: float | None
    p99_ratio: float | None
    throughput_ratio: float | None
    error_share_change: float | None  # B minus A


class ComparedCount(Result):
    """What one request costs in both runs; None where a run does not know it. `ratio` is B over A."""

    scenario: str
    target: str
    name: str  # a field of `reports.summary.Counts`
    a: float | None
    b: float | None
    ratio: float | None


class ComparedRoundTrips(Result):
    """Sequential round trips of one operation in both runs, without the points that they rest on."""

    scenario: str
    target: str
    operation: str
    a: RoundTrips
    b: RoundTrips


class ChangedCheck(Result):
    """A check whose verdict differs between the runs."""

    scenario: str
    target: str
    kind: str
    a: CheckVerdict
    b: CheckVerdict
    evidence_a: str
    evidence_b: str


class Comparison(Result):
    """Everything that a report may say of two runs. `only_in_*` name a `scenario` or a `scenario/target`."""

    format: Literal["poolstorm-comparison"] = "poolstorm-comparison"
    version: int = COMPARISON_VERSION
    a: RunInfo
    b: RunInfo
    phases: tuple[ComparedPhase, ...]  # counting phases, all operations together
    changed_checks: tuple[ChangedCheck, ...]
    only_in_a: tuple[str, ...]
    only_in_b: tuple[str, ...]
    caveats: tuple[Caveat, ...]
    counts: tuple[ComparedCount, ...] = ()
    round_trips: tuple[ComparedRoundTrips, ...] = ()


def compare(a: Summary, b: Summary) -> Comparison:
    """Put the phases, checks and circumstances of two runs side by side; `b` is the newer one by custom."""
    pairs = _common_targets(a, b)
    checks = [change for scenario, of_a, of_b in pairs for change in _changed_checks(scenario, of_a, of_b)]
    rows = [row for scenario, of_a, of_b in pairs for row in _compare_phases(scenario, of_a, of_b)]
    place = {(s.name, p.name): (i, j) for i, s in enumerate(a.scenarios) for j, p in enumerate(s.phases)}
    rows.sort(key=lambda row: place[row.scenario, row.phase])  # stable: targets keep their order
    names_a, names_b = _names(a), _names(b)
    return Comparison(
        a=a.run,
        b=b.run,
        phases=tuple(rows),
        changed_checks=tuple(checks),
        only_in_a=_only(names_a, names_b),
        only_in_b=_only(names_b, names_a),
        caveats=tuple(_caveats(a, b, pairs)),
        counts=tuple(count for pair in pairs for count in _compare_counts(*pair)),
        round_trips=tuple(trips for pair in pairs for trips in _compare_round_trips(*pair)),
    )


def _names(summary: Summary) -> dict[str, tuple[str, ...]]:
    return {scenario.name: tuple(t.target for t in scenario.targets) for scenario in summary.scenarios}


def _only(names: dict[str, tuple[str, ...]], others: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    lacking: list[str] = []
    for scenario, targets in names.items():
        if scenario not in others:
            lacking.append(scenario)
        else:
            lacking.extend(f"{scenario}/{target}" for target in targets if target not in others[scenario])
    return tuple(lacking)


def _common_targets(a: Summary, b: Summary) -> list[tuple[str, TargetResult, TargetResult]]:
    of_b = {(s.name, t.target): t for s in b.scenarios for t in s.targets}
    return [
        (scenario.name, target, of_b[scenario.name, target.target])
        for scenario in a.scenarios
        for target in scenario.targets
        if (scenario.name, target.target) in of_b
    ]


def _counting(target: TargetResult) -> dict[str, PhaseResult]:
    return {p.phase: p for p in target.phases if p.operation == "all" and not p.warmup}


def _compare_phases(scenario: str, a: TargetResult, b: TargetResult) -> list[ComparedPhase]:
    phases_b = _counting(b)
    rows: list[ComparedPhase] = []
    for name, phase_a in _counting(a).items():
        if name not in phases_b:
            continue
        figures_a, figures_b = _figures(phase_a), _figures(phases_b[name])
        change = None
        if figures_a.error_share is not None and figures_b.error_share is not None:
            change = figures_b.error_share - figures_a.error_share
        rows.append(
            ComparedPhase(
                scenario=scenario,
                target=a.target,
                phase=name,
                load=phase_a.load,
                a=figures_a,
                b=figures_b,
                p50_ratio=_ratio(figures_a.p50_ms, figures_b.p50_ms),
                p99_ratio=_ratio(figures_a.p99_ms, figures_b.p99_ms),
                throughput_ratio=_ratio(figures_a.completed_per_s, figures_b.completed_per_s),
                error_share_change=change,
            )
        )
    return rows


def _figures(phase: PhaseResult) -> Figures:
    return Figures(
        requests=phase.together.count,
        p50_ms=phase.success.p50_ms,
        p99_ms=phase.success.p99_ms,
        completed_per_s=phase.completed_per_s,
        error_share=None if phase.success_share is None else 1 - phase.success_share,
    )


def _ratio(a: float | None, b: float | None) -> float | None:
    return None if a is None or b is None or a == 0 else b / a


def _compare_counts(scenario: str, a: TargetResult, b: TargetResult) -> Iterator[ComparedCount]:
    for name in Counts.model_fields:
        of_a, of_b = (_per_request(target.counts, name) for target in (a, b))
        if name != "requests" and (of_a is not None or of_b is not None):
            yield ComparedCount(
                scenario=scenario, target=a.target, name=name, a=of_a, b=of_b, ratio=_ratio(of_a, of_b)
            )


def _per_request(counts: Counts | None, name: str) -> float | None:
    count = getattr(counts, name, None)
    return count.per_request if isinstance(count, Count) else None


def _compare_round_trips(scenario: str, a: TargetResult, b: TargetResult) -> Iterator[ComparedRoundTrips]:
    of_b = {trips.operation: trips for trips in b.round_trips}
    for trips in a.round_trips:
        if trips.operation in of_b:
            yield ComparedRoundTrips(
                scenario=scenario,
                target=a.target,
                operation=trips.operation,
                a=trips.model_copy(update={"points": ()}),
                b=of_b[trips.operation].model_copy(update={"points": ()}),
            )


def _changed_checks(scenario: str, a: TargetResult, b: TargetResult) -> list[ChangedCheck]:
    # A scenario may hold two checks of one kind with different limits, so the limit is part of the key.
    checks_b = {(check.kind, check.limit): check for check in b.checks}
    changed: list[ChangedCheck] = []
    for check in a.checks:
        other = checks_b.get((check.kind, check.limit))
        if other is not None and other.verdict is not check.verdict:
            changed.append(
                ChangedCheck(
                    scenario=scenario,
                    target=a.target,
                    kind=check.kind,
                    a=check.verdict,
                    b=other.verdict,
                    evidence_a=check.evidence,
                    evidence_b=other.evidence,
                )
            )
    return changed


def _caveats(a: Summary, b: Summary, pairs: list[tuple[str, TargetResult, TargetResult]]) -> list[Caveat]:
    found = [
        *_differing(
            "environment-differs",
            "run",
            a.run.environment,
            b.run.environment,
            "Differences between the runs may come from here; repeat both on one machine and one set of versions.",
        ),
        *_differing(
            "plan-differs",
            "run",
            {"seed": a.run.seed, "repetitions": a.run.repetitions, "poolstorm": a.run.poolstorm_version},
            {"seed": b.run.seed, "repetitions": b.run.repetitions, "poolstorm": b.run.poolstorm_version},
            "Repeat one of the runs with the other's --seed and --repetitions.",
        ),
    ]
    scenarios_b = {scenario.name: scenario for scenario in b.scenarios}
    for scenario in a.scenarios:
        if scenario.name in scenarios_b:
            found.extend(_scenario_caveats(scenario, scenarios_b[scenario.name]))
    for name, target_a, target_b in pairs:
        advice = (
            "The ratio compares settings as much as versions; make them equal unless that is what you compare."
        )
        scope = f"{name}/{target_a.target}"
        found.extend(_differing("settings-differ", scope, target_a.settings, target_b.settings, advice))
    return [*_same_run(a, b), *found, *_own_caveats(a, b)]


def _same_run(a: Summary, b: Summary) -> list[Caveat]:
    """No two runs have one id and one beginning."""
    if (a.run.run_id, a.run.created_at) != (b.run.run_id, b.run.created_at):
        return []
    text = f"A and B are the same run, {a.run.run_id}: that nothing differs shows nothing."
    return [Caveat(code="same-run", scope="run", text=text, advice="Name two runs.")]


def _own_caveats(a: Summary, b: Summary) -> list[Caveat]:
    told = [
        f"{label} has caveats of its own: {', '.join(dict.fromkeys(caveat.code for caveat in summary.caveats))}."
        for label, summary in (("A", a), ("B", b))
        if summary.caveats
    ]
    if not told:
        return []
    return [
        Caveat(code="own-caveats", scope="run", text=" ".join(told), advice="Each run's report explains them.")
    ]


def _scenario_caveats(a: ScenarioResult, b: ScenarioResult) -> list[Caveat]:
    advice = "Phases that differ are not the same measurement; run both with the same scenario and durations."
    return [
        *_differing("scenario-differs", a.name, _phases(a), _phases(b), advice),
        *_differing("pool-overrides-differ", a.name, a.pool_overrides, b.pool_overrides, advice),
    ]


def _phases(scenario: ScenarioResult) -> dict[str, str]:
    """What was declared of each phase, in words that can be compared."""
    return {
        phase.name: f"{phase.load} {phase.behaviour} for {seconds(phase.duration_s)} s {'; '.join(phase.faults)}"
        for phase in scenario.phases
    }


Value = str | int | float | bool | None


def _differing(code: str, scope: str, a: Mapping[str, Value], b: Mapping[str, Value], advice: str) -> list[Caveat]:
    names = [name for name in {**a, **b} if a.get(name) != b.get(name)]
    if not names:
        return []
    listed = ", ".join(f"{name} ({_shown(a.get(name))} / {_shown(b.get(name))})" for name in names)
    return [Caveat(code=code, scope=scope, text=f"The runs differ (A / B) in {listed}.", advice=advice)]


def _shown(value: Value) -> str:
    return "none" if value is None else str(value).strip()
