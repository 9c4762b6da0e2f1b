"""Two runs side by side: pure, Summary x Summary -> Comparison. Judging is left to the gate."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from reports.compare.circumstances import caveats, pairing
from reports.compare.model import (
    COMPARISON_FORMAT,
    COMPARISON_VERSION,
    Change,
    ChangedCheck,
    ComparedCount,
    ComparedFigure,
    ComparedPhase,
    ComparedRoundTrips,
    Comparison,
    Figures,
)
from reports.summary import Caveat, Count, Counts, PhaseResult, Summary, TargetResult

__all__ = [
    "COMPARISON_FORMAT",
    "COMPARISON_VERSION",
    "Change",
    "ChangedCheck",
    "ComparedCount",
    "ComparedFigure",
    "ComparedPhase",
    "ComparedRoundTrips",
    "Comparison",
    "Figures",
    "compare",
]


def compare(
    a: Summary,
    b: Summary,
    *,
    figures: Iterable[ComparedFigure] = (),
    noise: str = "",
    left_out: Iterable[str] = (),
    told: Iterable[Caveat] = (),
) -> Comparison:
    """Put the phases, checks and circumstances of two runs side by side; `b` is the newer one by custom.

    `figures` are those by repetition, worst first, with what they were judged by and what was left out of them
    (`reports.compare.folders`); `told` are caveats that summaries do not know of.
    """
    pairs = _common_targets(a, b)
    checks = [change for scenario, of_a, of_b in pairs for change in _changed_checks(scenario, of_a, of_b)]
    rows = [row for scenario, of_a, of_b in pairs for row in _compare_phases(scenario, of_a, of_b)]
    place = {(s.name, p.name): (i, j) for i, s in enumerate(a.scenarios) for j, p in enumerate(s.phases)}
    rows.sort(key=lambda row: place[row.scenario, row.phase])  # stable: targets keep their order
    names_a, names_b = _names(a), _names(b)
    backwards = [(scenario, of_b, of_a) for scenario, of_a, of_b in pairs]
    return Comparison(
        a=a.run,
        b=b.run,
        pairing=pairing(a.run, b.run),
        noise=noise,
        figures=tuple(figures),
        left_out=tuple(left_out),
        phases=tuple(rows),
        changed_checks=tuple(checks),
        only_in_a=(*_only(names_a, names_b), *_only_routes(pairs)),
        only_in_b=(*_only(names_b, names_a), *_only_routes(backwards)),
        caveats=(*told, *caveats(a, b, pairs)),
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


def _only_routes(pairs: Iterable[tuple[str, TargetResult, TargetResult]]) -> Iterator[str]:
    """Routes that only the first was asked for, in phases that both went through with requests."""
    for scenario, own, other in pairs:
        routes, others = _asked(own), _asked(other)
        phases = {phase for phase, _ in others}
        for phase, route in routes:
            if phase in phases and (phase, route) not in others:
                yield f"{scenario}/{own.target}/{phase}/{route}"


def _asked(target: TargetResult) -> dict[tuple[str, str], None]:
    return {(p.phase, p.operation): None for p in target.phases if not p.warmup and p.together.count > 0}


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
