"""Errors by kind, and what became of each expectation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from reports.summary import CheckResult, CheckVerdict, ScenarioResult, TargetResult
from reports.view.numbers import figure, plural
from reports.view.pieces import phase_order
from reports.view.table import Cell, Column, Table, Tone, table

_SHOWN: dict[CheckVerdict, tuple[str, Tone]] = {
    CheckVerdict.PASSED: ("✓", "good"),
    CheckVerdict.BROKEN: ("✗", "bad"),
    CheckVerdict.UNDECIDED: ("?", "open"),
}
"""A sign that goes with the word, never in its place, and a tone."""


def target_columns(targets: Iterable[TargetResult], *, wide: bool = False) -> list[Column]:
    """A column for each target."""
    return [Column(t.target, t.target, kind="wide" if wide else "figure", of_target=True) for t in targets]


def error_table(scenario: ScenarioResult, *, whole: bool = True) -> Table | None:
    """Each way in which requests ended badly, counted for each target; `whole` False: by operation."""
    counts: dict[str, Counter[tuple[str, ...]]] = {target.target: Counter() for target in scenario.targets}
    for target in scenario.targets:
        for error in target.errors:
            if error.operation != "all":
                key = (error.phase, "all" if whole else error.operation, error.outcome, error.kind)
                counts[target.target][key] += error.count
    order = phase_order(scenario)
    keys = sorted(set().union(*counts.values()), key=lambda key: (order.get(key[0], len(order)), *key[1:]))
    columns = (
        Column("phase", "phase", "Phase", "name"),
        *([] if whole else [Column("operation", "operation", "Operation", "word")]),
        Column("outcome", "outcome", "Outcome", "word"),
        Column("kind", "kind", "Kind", "word"),
        *target_columns(scenario.targets),
    )
    rows = (
        {
            **dict(zip(("phase", "operation", "outcome", "kind"), key, strict=True)),
            **{name: f"{count[key]:,}" for name, count in counts.items()},
        }
        for key in keys
    )
    return table(columns, rows) if keys else None


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


def verdict_cell(verdict: CheckVerdict, evidence: str) -> Cell:
    """The verdict with its sign, and the evidence as small print."""
    sign, tone = _SHOWN[verdict]
    return Cell(f"{sign} {verdict.value}", notes=(evidence,), tone=tone)


def check_table(scenario: ScenarioResult) -> Table | None:
    """Each expectation with its result for each of the scenario's targets."""
    found: dict[tuple[str, float | None], dict[str, Cell | str]] = {}
    for target in scenario.targets:
        for check in target.checks:
            row = found.setdefault((check.kind, check.limit), {"check": _expectation(check)})
            row.setdefault(target.target, verdict_cell(check.verdict, check.evidence))
    columns = (Column("check", "check", "Expectation", "name"), *target_columns(scenario.targets, wide=True))
    return table(columns, found.values()) if found else None


def _expectation(check: CheckResult) -> str:
    return check.kind.replace("-", " ") + (f" {figure(check.limit)} ms" if check.limit is not None else "")


def check_lines(scenario: ScenarioResult) -> Iterator[tuple[CheckVerdict, str]]:
    """Each check that did not pass, with its evidence."""
    for target in scenario.targets:
        for check in target.checks:
            if check.verdict is not CheckVerdict.PASSED:
                limit = "" if check.limit is None else f" {check.limit:g}"
                yield check.verdict, f"{target.target}: {check.kind}{limit}: {check.evidence}"


def check_counts(targets: Iterable[TargetResult]) -> dict[CheckVerdict, int]:
    """Verdict -> how many checks ended so."""
    counted = Counter(check.verdict for target in targets for check in target.checks)
    return {verdict: counted[verdict] for verdict in CheckVerdict}


def checks_sentence(scenario: ScenarioResult) -> str:
    """How many checks passed, such as `5 of 6 checks passed, 1 undecided`; empty where there are none."""
    counts = check_counts(scenario.targets)
    if not sum(counts.values()):
        return ""
    others = [f"{counts[v]} {v.value}" for v in (CheckVerdict.BROKEN, CheckVerdict.UNDECIDED) if counts[v]]
    return ", ".join([f"{counts[CheckVerdict.PASSED]} of {plural(sum(counts.values()), 'check')} passed", *others])


def limit_table(scenario: ScenarioResult) -> Table | None:
    """Each absolute limit with its result for each of the scenario's targets."""
    found: dict[str, dict[str, Cell | str]] = {}
    for target in scenario.targets:
        for result in target.limits:
            row = found.setdefault(result.name, {"limit": result.words})
            row[target.target] = verdict_cell(result.verdict, result.evidence)
    columns = (Column("limit", "limit", "Limit", "name"), *target_columns(scenario.targets, wide=True))
    return table(columns, found.values()) if found else None


def limit_lines(scenario: ScenarioResult) -> Iterator[tuple[CheckVerdict, str]]:
    """Each absolute limit, with what was measured."""
    for target in scenario.targets:
        for result in target.limits:
            yield result.verdict, f"{target.target}: {result.words}: {result.evidence}"
