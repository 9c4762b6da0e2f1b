"""A scenario's section: rows of its tables of latency, faults, steps, errors and checks."""

from __future__ import annotations

from dataclasses import dataclass

from reports.formats._numbers import figure, plural
from reports.summary import (
    CheckResult,
    CheckVerdict,
    FaultSummary,
    FaultWindow,
    LadderStep,
    Latency,
    PhaseResult,
    ScenarioResult,
    Spread,
)
from reports.wording import seconds

MEASURES = (
    ("success", "successes"),
    ("failure", "failures"),
    ("together", "both together"),
    ("service", "successes, from the actual send"),
)
_VERDICT_MARKS = {
    CheckVerdict.PASSED: "✓",
    CheckVerdict.BROKEN: "✗",
    CheckVerdict.UNDECIDED: "?",
}


@dataclass(frozen=True, slots=True)
class LatencyRow:
    """One target in one phase; `latency` is one of the four measures of `result`."""

    target: str
    result: PhaseResult
    latency: Latency

    @property
    def of_successes(self) -> bool:
        """Whether the intervals of `result`, which are those of successes, belong to `latency`."""
        return self.latency is self.result.success

    def interval(self, name: str) -> Spread | None:
        """The interval of a figure of the row, such as `p50_ms`; None where there is none for this measure."""
        found: Spread | None = getattr(self.result.intervals, name)
        return found if self.of_successes or name in ("completed_per_s", "success_share") else None


@dataclass(frozen=True, slots=True)
class LatencyGroup:
    """The rows of one phase, or of one phase and operation."""

    name: str
    operation: str
    rows: tuple[LatencyRow, ...]


def latency_groups(scenario: ScenarioResult, measure: str, *, whole: bool = True) -> tuple[LatencyGroup, ...]:
    """Phase by phase the targets' latency by one of MEASURES; `whole` False: by operation."""
    keys = dict.fromkeys(
        (phase.phase, phase.operation)
        for target in scenario.targets
        for phase in target.phases
        if not phase.warmup and (phase.operation == "all") == whole
    )
    return tuple(
        LatencyGroup(
            name=name,
            operation=operation,
            rows=tuple(
                LatencyRow(target.target, phase, getattr(phase, measure))
                for target in scenario.targets
                for phase in target.phases
                if (phase.phase, phase.operation) == (name, operation)
            ),
        )
        for name, operation in keys
    )


@dataclass(frozen=True, slots=True)
class FaultGroup:
    """The rows of one planned fault, target by target: its windows, and what they come to."""

    phase: str
    kind: str
    windows: tuple[tuple[str, FaultWindow], ...]
    summaries: tuple[tuple[str, FaultSummary], ...]


def fault_groups(scenario: ScenarioResult) -> tuple[FaultGroup, ...]:
    """Faults in the order of the scenario, each with its windows in the order of targets and repetitions."""
    windows = [(target.target, fault) for target in scenario.targets for fault in target.faults]
    summaries = [(target.target, fault) for target in scenario.targets for fault in target.fault_summaries]
    keys = dict.fromkeys((fault.phase, fault.kind) for _, fault in windows)
    return tuple(
        FaultGroup(
            phase,
            kind,
            tuple((name, fault) for name, fault in windows if (fault.phase, fault.kind) == (phase, kind)),
            tuple((name, fault) for name, fault in summaries if (fault.phase, fault.kind) == (phase, kind)),
        )
        for phase, kind in keys
    )


StepGroup = tuple[str, tuple[tuple[str, LadderStep], ...]]


def step_groups(scenario: ScenarioResult) -> tuple[StepGroup, ...]:
    """The steps of a ladder, each with its figures for the targets that took it."""
    steps = [
        (target.exhaustion.said(step.offered), target.target, step)
        for target in scenario.targets
        if target.exhaustion is not None
        for step in target.exhaustion.steps
    ]
    keys = dict.fromkeys(offered for offered, _, _ in steps)
    return tuple((key, tuple((name, step) for offered, name, step in steps if offered == key)) for key in keys)


ErrorKey = tuple[str, str, str, str]
"""Phase, operation, outcome, kind; operation `all` for all of them together."""
ErrorRow = tuple[ErrorKey, tuple[int, ...]]


def error_rows(scenario: ScenarioResult, *, whole: bool = True) -> tuple[ErrorRow, ...]:
    """Each way in which requests ended badly, counted for each target; `whole` False: by operation."""
    counts: list[dict[ErrorKey, int]] = []
    for target in scenario.targets:
        count: dict[ErrorKey, int] = {}
        for error in target.errors:
            if error.operation != "all":
                key = (error.phase, "all" if whole else error.operation, error.outcome, error.kind)
                count[key] = count.get(key, 0) + error.count
        counts.append(count)
    order = {phase.name: number for number, phase in enumerate(scenario.phases)}
    keys = dict.fromkeys(key for count in counts for key in count)
    ranked = sorted(keys, key=lambda key: (order.get(key[0], len(order)), *key[1:]))
    return tuple((key, tuple(count.get(key, 0) for count in counts)) for key in ranked)


CheckRow = tuple[str, tuple[CheckResult | None, ...]]


def check_rows(scenario: ScenarioResult) -> tuple[CheckRow, ...]:
    """Each expectation with its result for each of the scenario's targets."""
    keys = dict.fromkeys((check.kind, check.limit) for target in scenario.targets for check in target.checks)
    return tuple(
        (
            kind.replace("-", " ") + (f" {figure(limit)} ms" if limit is not None else ""),
            tuple(
                next((check for check in target.checks if (check.kind, check.limit) == (kind, limit)), None)
                for target in scenario.targets
            ),
        )
        for kind, limit in keys
    )


def checks_in_short(scenario: ScenarioResult) -> tuple[str, bool]:
    """How the checks ended, in a few words, and whether all of them passed."""
    verdicts = [check.verdict for target in scenario.targets for check in target.checks]
    told = [
        f"{verdicts.count(verdict)} {verdict.value}" for verdict in reversed(CheckVerdict) if verdict in verdicts
    ]
    passed = set(verdicts) == {CheckVerdict.PASSED}
    return (f"all {len(verdicts)} passed" if passed and len(verdicts) > 1 else ", ".join(told)), passed


def verdict_mark(verdict: CheckVerdict) -> str:
    """A sign that goes with the word, never in its place."""
    return _VERDICT_MARKS[verdict]


def ladder_words(scenario: ScenarioResult) -> str:
    """The phases of a ladder in one sentence, since all but their load is alike."""
    steps = [phase for phase in scenario.phases if not phase.warmup]
    lengths = " or ".join(dict.fromkeys(seconds(phase.duration_s) for phase in steps))
    behaviours = ", ".join(dict.fromkeys(phase.behaviour for phase in steps))
    loads = [phase.load for phase in steps]
    closed = all(load.endswith(" users") for load in loads)
    listed = ", ".join(load.removesuffix(" users") for load in loads) + (" users at once" if closed else "")
    return f"{plural(len(steps), 'step')} of {lengths} s each with {listed} ({behaviours})."
