"""Each expectation of a scenario, evaluated. A check without evidence is undecided and never passed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from reports.analysis.correctness import (
    Judgement,
    answers_unchanged,
    money_is_conserved,
    no_leaked_connections,
    sessions_at_base,
    worst,
)
from reports.analysis.folding import Observed
from reports.analysis.windows import Window
from reports.distribution import merged
from reports.files import reason_of
from reports.summary import CheckResult, CheckVerdict, Exhaustion
from scenarios.model import Check, CheckKind

PASSED, BROKEN, UNDECIDED = CheckVerdict.PASSED, CheckVerdict.BROKEN, CheckVerdict.UNDECIDED


@dataclass(frozen=True, slots=True)
class Evidence:
    """What checks may look at: the completed, valid trials of one target under one scenario."""

    observed: Sequence[Observed]
    windows: Sequence[Window]
    exhaustion: Exhaustion | None


def evaluate(checks: Sequence[Check], evidence: Evidence) -> tuple[CheckResult, ...]:
    """One result for each check, in their order."""
    results = []
    for check in checks:
        verdict, text = UNDECIDED, "no trial can be used"
        if evidence.observed:
            verdict, text = _judge(check, evidence)
        results.append(CheckResult(kind=check.kind, limit=check.limit, verdict=verdict, evidence=text))
    return tuple(results)


def _judge(check: Check, evidence: Evidence) -> Judgement:
    """A check of a later version, or one that cannot be carried through, decides nothing."""
    judge = _JUDGES.get(check.kind)
    if judge is None:
        return UNDECIDED, "this poolstorm does not know the check; upgrade it"
    try:
        return judge(check.limit, evidence)
    except Exception as error:  # no check takes a report down
        return UNDECIDED, f"the check could not be carried through ({type(error).__name__}: {reason_of(error)})"


def _no_errors_outside_faults(_: float | None, evidence: Evidence) -> Judgement:
    counts = [one.fold.outside for one in evidence.observed]
    requests, failures = sum(count for count, _ in counts), sum(count for _, count in counts)
    if not requests:
        return UNDECIDED, "no request was sent outside a fault"
    text = f"{failures:,} of {requests:,} requests failed outside faults"
    return (BROKEN if failures else PASSED), text


def _recovers_within(limit_ms: float | None, evidence: Evidence) -> Judgement:
    if limit_ms is None:
        return UNDECIDED, "the check names no limit"
    if not evidence.windows:
        return UNDECIDED, "no fault was injected"
    verdict, text = worst([_judge_recovery(window, limit_ms) for window in evidence.windows])
    if verdict is PASSED:
        slowest_ms = max(w.result.recovery_ms for w in evidence.windows if w.result.recovery_ms is not None)
        count = len(evidence.windows)
        healings = "the healing was" if count == 1 else f"all {count} healings were"
        text = f"{healings} followed by steady success within {slowest_ms:.0f} ms"
    return verdict, text


def _judge_recovery(window: Window, limit_ms: float) -> Judgement:
    where = f"{window.result.kind} in {window.result.phase}, repetition {window.result.repetition}"
    if window.result.heal_done_s is None:
        return UNDECIDED, f"{where}: never healed"
    after_ms = window.recovery.after_ms
    if after_ms is None:
        if window.recovery.observed:
            return BROKEN, f"{where}: no steady success after the healing"
        return UNDECIDED, f"{where}: no request after the healing"
    return (PASSED if after_ms <= limit_ms else BROKEN), f"{where}: steady success after {after_ms:.0f} ms"


def _fails_fast(limit_ms: float | None, evidence: Evidence) -> Judgement:
    if limit_ms is None:
        return UNDECIDED, "the check names no limit"
    down = [window for window in evidence.windows if window.result.kind == "proxy-down"]
    failures = merged(window.failures for window in down)
    p99_ms = failures.quantiles_ms(990)[0]
    if p99_ms is None:
        return UNDECIDED, "no request failed inside a proxy-down window"
    text = f"p99 of {failures.total:,} failures inside proxy-down windows: {p99_ms:.3g} ms"
    return (PASSED if p99_ms <= limit_ms else BROKEN), text


def _exhausts(_: float | None, evidence: Evidence) -> Judgement:
    found = evidence.exhaustion
    if found is None or not any(step.together.count for step in found.steps):
        return UNDECIDED, "no ladder of rising users or arrivals was climbed"
    refusing = next((step for step in found.steps if step.refused), None)
    if refusing is not None:
        return PASSED, f"first refusals at {found.said(refusing.offered)}"
    if found.limit is None:
        return UNDECIDED, "nothing was refused, and no limit of a pool is known"
    if found.checked_out_max is None:
        return UNDECIDED, "nothing was refused, and the pool was not read"
    text = f"nothing was refused; at most {found.checked_out_max} of {found.limit} connections were out"
    return (PASSED if found.checked_out_max >= found.limit else BROKEN), text


_JUDGES: Mapping[CheckKind, Callable[[float | None, Evidence], Judgement]] = {
    "no-errors-outside-faults": _no_errors_outside_faults,
    "recovers-within": _recovers_within,
    "fails-fast": _fails_fast,
    "exhausts": _exhausts,
    "money-is-conserved": lambda _, evidence: money_is_conserved([one.trial for one in evidence.observed]),
    "no-leaked-connections": lambda _, evidence: no_leaked_connections([one.trial for one in evidence.observed]),
    "sessions-at-base": lambda _, evidence: sessions_at_base([one.trial for one in evidence.observed]),
    "answers-unchanged": lambda _, evidence: answers_unchanged([one.trial for one in evidence.observed]),
}
