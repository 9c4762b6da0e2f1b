"""Seen and Baseline -> Held: the verdict on a finished run, by what is on file and by the plan's limits. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date

from reports.baseline.advice import Advice, advice_on
from reports.baseline.model import Baseline, CountFinding, InvariantFinding, Job, OnFile
from reports.baseline.renewing import ROUND_TRIPS, settled
from reports.baseline.seen import Pair, Seen
from reports.gate.acceptances import Acceptance, checked, reason_for
from reports.gate.columns import Series
from reports.gate.metrics import LIMIT
from reports.gate.model import Place
from reports.gate.result import PREFLIGHT
from reports.gate.verdicts import Verdict, rank, worst
from reports.summary import CheckVerdict
from reports.summary.figures import Result

HELD_VERSION = 1
_OF_CHECKS = {
    CheckVerdict.BROKEN: Verdict.BROKEN,
    CheckVerdict.UNDECIDED: Verdict.INCONCLUSIVE,
    CheckVerdict.PASSED: Verdict.PASS,
}


class HeldRow(Result):
    """One finding, and what became of it. `accepted` is the reason on file."""

    target: str
    scenario: str
    phase: str
    route: str
    metric: str
    name: str
    verdict: Verdict
    said: str
    was: float | None = None
    now: float | None = None
    accepted: str | None = None


class Held(Result):
    """A finished run held to a baseline, worst rows first. Without one (`is_first`) only its limits bind."""

    format: str = "poolstorm-baseline-check"
    version: int = HELD_VERSION
    verdict: Verdict
    said: str
    job: Job
    on_file: tuple[Job, ...]
    is_first: bool
    same_machine: int  # past jobs on this one
    rows: tuple[HeldRow, ...]
    advice: tuple[Advice, ...] = ()
    remarks: tuple[str, ...] = ()
    appeared: tuple[str, ...] = ()
    acceptances: tuple[OnFile, ...] = ()
    unused_acceptances: tuple[str, ...] = ()

    @property
    def may_be_first(self) -> bool:
        """Whether it is fit to be written as the first baseline: nothing of it is invalid or broken."""
        return self.is_first and self.verdict is Verdict.INCONCLUSIVE


def hold(seen: Seen, baseline: Baseline | None, today: date) -> Held:
    """Counts, invariants and limits bind; what varies advises. Raises PlanError for acceptances that are past."""
    accepted = checked(baseline.all_acceptances if baseline else (), today)
    remarks: list[str] = []
    rows = [*_lost(seen), *_invariants(seen, baseline), *_limits(seen)]
    if baseline is None:
        rows.append(
            _row(Series("baseline", Place("run")), Verdict.INCONCLUSIVE, "there was none to hold it against")
        )
    else:
        rows += [*_otherwise(seen, baseline), *_not_run(seen, baseline), *_counts(seen, baseline, remarks)]
    rows = [*(_accept(row, accepted) for row in rows), *_unmeasured(seen)]
    verdict = worst(Verdict.PASS if row.accepted is not None else row.verdict for row in rows)
    same = [] if baseline is None else [job for job in baseline.jobs if job.machine == seen.job.machine]
    return Held(
        verdict=verdict,
        said=_said(verdict, rows),
        job=seen.job,
        on_file=() if baseline is None else baseline.jobs,
        is_first=baseline is None,
        same_machine=sum(job.run != seen.job.run for job in same),
        rows=tuple(sorted(rows, key=lambda row: (rank(row.verdict), row.name))),
        advice=() if baseline is None else tuple(advice_on(seen, baseline)),
        remarks=tuple(remarks),
        appeared=() if baseline is None else tuple(_appeared(seen, baseline)),
        acceptances=() if baseline is None else baseline.acceptances,
        unused_acceptances=tuple(one.pattern for one in accepted if not any(one.covers(row.name) for row in rows)),
    )


def _row(
    series: Series, verdict: Verdict, said: str, was: float | None = None, now: float | None = None
) -> HeldRow:
    place = series.place
    return HeldRow(
        target=place.target, scenario=place.scenario, phase=place.phase, route=place.route, metric=series.metric,
        name=series.name, verdict=verdict, said=said, was=was, now=now,
    )  # fmt: skip


def _accept(row: HeldRow, acceptances: Sequence[Acceptance]) -> HeldRow:
    """What could not be judged cannot be accepted."""
    bad = row.verdict in (Verdict.BROKEN, Verdict.REGRESSED, Verdict.INCONCLUSIVE)
    return row.model_copy(update={"accepted": reason_for(row.name, acceptances)}) if bad else row


def _unmeasured(seen: Seen) -> Iterator[HeldRow]:
    if seen.broken_before:
        yield _row(Series(PREFLIGHT, Place("head")), Verdict.BROKEN, seen.broken_before)


def _lost(seen: Seen) -> Iterator[HeldRow]:
    reasons: dict[Pair, list[str]] = {}
    for pair, reason in seen.lost:
        reasons.setdefault(pair, []).append(reason)
    for pair, found in reasons.items():
        said = f"{len(found)} {'trial' if len(found) == 1 else 'trials'} cannot be used: {found[0]}"
        yield _row(Series("trials", Place(pair.target, pair.scenario)), Verdict.INVALID, said)


def _otherwise(seen: Seen, baseline: Baseline) -> Iterator[HeldRow]:
    """Scenarios that were not run as they were for the file."""
    for name, digest in seen.configurations.items():
        if baseline.configurations.get(name, digest) != digest:
            said = f"{name} was run otherwise than for the baseline; run it as then, or write the baseline anew"
            yield _row(Series("configuration", Place("run", name)), Verdict.INVALID, said)


def _is_comparable(seen: Seen, baseline: Baseline, pair: Pair) -> bool:
    same = seen.configurations.get(pair.scenario) == baseline.configurations.get(pair.scenario)
    return same and pair in seen.usable


def _not_run(seen: Seen, baseline: Baseline) -> Iterator[HeldRow]:
    """What is on file and was not even planned: a check that leaves it out unsaid could not fail."""
    for pair in sorted(
        {Pair(one.target, one.scenario) for one in baseline.findings} - set(seen.planned),
        key=lambda pair: (pair.target, pair.scenario),
    ):
        said = "it is on file, and this run was not to run it"
        yield _row(Series("trials", Place(pair.target, pair.scenario)), Verdict.INCONCLUSIVE, said)


def _counts(seen: Seen, baseline: Baseline, remarks: list[str]) -> Iterator[HeldRow]:
    for one in baseline.findings:
        if isinstance(one, CountFinding) and _is_comparable(seen, baseline, Pair(one.target, one.scenario)):
            values = seen.counts.get(one.series, ())
            verdict, said = judged_count(one.metric, one.value, values)
            if verdict is None:
                remarks.append(f"{one.name}: {said}")
            else:
                yield _row(one.series, verdict, said, one.value, max(values, default=None))


def judged_count(metric: str, on_file: float, values: Sequence[float]) -> tuple[Verdict | None, str]:
    """By every trial's count; no verdict, but a remark, for round trips of which a single trial tells, or some do:
    they are timed, and a busy machine moves one now and then.
    """
    if not values:
        return (
            Verdict.INCONCLUSIVE,
            f"{on_file:g} a request on file, and this run could not tell (it takes --route-costs)",
        )
    low, high = min(values), max(values)
    trials = "in the one trial" if len(values) == 1 else f"in each of {len(values)} trials"
    if low == high == on_file:
        return Verdict.PASS, f"{on_file:g} a request, as on file"
    told = f"{on_file:g} a request on file and {low:g} now, {trials}"
    spread = f"{on_file:g} a request on file and {low:g} to {high:g} in {len(values)} trials"
    if metric == ROUND_TRIPS and (len(values) == 1 or low <= on_file <= high):
        return None, f"{told if low == high else spread}; timed, and told by too few trials to bind (-r 2)"
    if low == high:
        return (Verdict.REGRESSED if low > on_file else Verdict.IMPROVED), told
    if low > on_file:
        return Verdict.REGRESSED, spread
    return (Verdict.IMPROVED if high < on_file else Verdict.INCONCLUSIVE), spread


def _invariants(seen: Seen, baseline: Baseline | None) -> Iterator[HeldRow]:
    """Broken is broken, whatever is on file; what was shown there has to be shown again."""
    shown = {
        one.series
        for one in (baseline.findings if baseline else ())
        if isinstance(one, InvariantFinding)
        and one.verdict == "passed"
        and Pair(one.target, one.scenario) in seen.usable
    }
    for series, invariant in seen.invariants.items():
        if invariant.verdict is not CheckVerdict.UNDECIDED:
            yield _row(series, _OF_CHECKS[invariant.verdict], invariant.said)
        elif series in shown:
            yield _row(
                series, Verdict.INCONCLUSIVE, f"it held on file, and this run cannot tell: {invariant.said}"
            )
    for series in sorted(shown - seen.invariants.keys(), key=lambda one: one.name):
        yield _row(series, Verdict.INCONCLUSIVE, "it held on file, and this run does not ask for it")


def _limits(seen: Seen) -> Iterator[HeldRow]:
    for pair, result in seen.limits:
        place = Place(pair.target, pair.scenario, result.phase, result.route)
        series = Series(f"{LIMIT}{result.name}", place)
        yield _row(series, _OF_CHECKS[result.verdict], result.sentence, result.limit, result.value)


def _appeared(seen: Seen, baseline: Baseline) -> Iterator[str]:
    """Counts that are not on file: they bind from the next writing on."""
    known = {one.series for one in baseline.findings}
    yield from sorted(
        series.name
        for series, values in seen.counts.items()
        if series not in known and settled(series.metric, values) is not None
    )


def _said(verdict: Verdict, rows: Sequence[HeldRow]) -> str:
    if not rows:
        return "nothing was measured that could be held against anything"
    counted = Counter(row.verdict for row in rows if row.accepted is None)
    accepted = sum(row.accepted is not None for row in rows)
    parts = [f"{counted[kind]} {kind.value}" for kind in Verdict if counted[kind]]
    return f"{verdict.value}: {', '.join([*parts, *([f'{accepted} accepted'] if accepted else [])])}"
