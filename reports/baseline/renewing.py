"""Seen -> Baseline: a file made anew, or the one before with a job more; and what is accepted of it."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from datetime import date
from fnmatch import fnmatchcase

from harness.errors import BaselineError, is_printable, shown
from reports.baseline.model import (
    LONGEST_TEXT,
    MOST_ACCEPTANCES,
    MOST_JOBS,
    Baseline,
    CountFinding,
    Finding,
    InvariantFinding,
    Job,
    OnFile,
    VaryingFinding,
    in_order,
)
from reports.baseline.seen import Pair, Seen
from reports.gate.acceptances import Acceptance, checked
from reports.gate.columns import Series
from reports.gate.metrics import metrics
from reports.gate.model import ALL_ROUTES, Place
from reports.summary import CheckVerdict

ROUND_TRIPS = "round trips"
"""A count that is timed: a busy machine moves it now and then, so that a single trial's is not written."""
_FIGURES = 4
"""Digits of a value that varies; more would be noise in a diff."""


def renewed(before: Baseline | None, seen: Seen, *, varying: bool = True) -> Baseline:
    """Findings of the run in place of those of the same targets and scenarios, and its values beside those of past
    jobs. What was run otherwise than for the file begins anew, and so do its values. Without
    `varying` what varies is left out.

    Raises BaselineError for a run of which no trial can be used.
    """
    if not seen.usable:
        raise BaselineError(
            f"no trial of run {seen.job.run} can be used ({seen.lost[0][1] if seen.lost else 'it has none'}), so "
            "there is nothing to write; repeat it"
        )
    jobs = _jobs(before, seen.job)
    configurations = {pair.scenario: seen.configurations[pair.scenario] for pair in seen.usable}
    kept = [] if before is None else [one for one in before.findings if _stays(one, before, configurations, seen)]
    past = {one.series: one for one in _comparable(before, configurations)}
    made = list(_made(seen, past, before, jobs))
    if not varying:
        made = [one for one in made if not isinstance(one, VaryingFinding)]
    findings: list[Finding] = [*(_realigned(one, before, jobs) for one in kept), *made]
    jobs, findings = _without_idle_jobs(jobs, findings)
    left = {one.scenario for one in findings}
    return Baseline(
        configurations={
            name: digest
            for name, digest in {**(before.configurations if before else {}), **configurations}.items()
            if name in left
        },
        jobs=jobs,
        findings=in_order(findings),
        acceptances=() if before is None else before.acceptances,
    )


def _jobs(before: Baseline | None, job: Job) -> tuple[Job, ...]:
    others = [] if before is None else [one for one in before.jobs if one.run != job.run]
    return (*others, job)[-MOST_JOBS:]


def _stays(one: Finding, before: Baseline, configurations: dict[str, str], seen: Seen) -> bool:
    """What this run says nothing of, and what was not measured otherwise."""
    same = configurations.get(one.scenario) in (None, before.configurations[one.scenario])
    return same and Pair(one.target, one.scenario) not in seen.usable


def _comparable(before: Baseline | None, configurations: dict[str, str]) -> Iterator[VaryingFinding]:
    for one in before.findings if before is not None else ():
        same = before is not None and configurations.get(one.scenario) == before.configurations[one.scenario]
        if same and isinstance(one, VaryingFinding):
            yield one


def _realigned(one: Finding, before: Baseline | None, jobs: tuple[Job, ...]) -> Finding:
    if before is None or not isinstance(one, VaryingFinding):
        return one
    return one.model_copy(update={"values": _values(one, before, jobs)})


def _values(
    one: VaryingFinding | None, before: Baseline | None, jobs: tuple[Job, ...]
) -> tuple[float | None, ...]:
    """By the jobs that are kept now."""
    if one is None or before is None:
        return (None,) * len(jobs)
    by_run = {job.run: value for job, value in zip(before.jobs, one.values, strict=True)}
    return tuple(by_run.get(job.run) for job in jobs)


def _made(
    seen: Seen, past: dict[Series, VaryingFinding], before: Baseline | None, jobs: tuple[Job, ...]
) -> Iterator[Finding]:
    for series, values in seen.counts.items():
        value = settled(series.metric, values)
        if value is not None:
            yield CountFinding(**_where(series), value=value)
    for series, invariant in seen.invariants.items():
        if invariant.verdict is not CheckVerdict.UNDECIDED:
            verdict = "passed" if invariant.verdict is CheckVerdict.PASSED else "broken"
            yield InvariantFinding(**_where(series), verdict=verdict)
    for series, told in seen.varied.items():
        earlier = _values(past.get(series), before, jobs)[:-1]
        yield VaryingFinding(
            **_where(series), unit=told.unit, values=(*earlier, float(f"{told.value:.{_FIGURES}g}"))
        )


def settled(metric: str, values: tuple[float, ...]) -> float | None:
    """The count that every trial agrees on: of round trips, which are timed, two at least. None for no such."""
    fewest = 2 if metric == ROUND_TRIPS else 1
    return values[0] if len(values) >= fewest and len(set(values)) == 1 else None


def unsettled(seen: Seen) -> Iterator[str]:
    """Counts that are not the same in every trial, and so are not written."""
    for series, values in sorted(seen.counts.items(), key=lambda one: one[0].name):
        if len(set(values)) > 1:
            yield f"{series.name}: {min(values):g} to {max(values):g} a request"


def _where(series: Series) -> dict[str, str]:
    place = series.place
    return {
        "target": place.target, "scenario": place.scenario, "phase": place.phase, "route": place.route,
        "metric": series.metric,
    }  # fmt: skip


def _without_idle_jobs(
    jobs: tuple[Job, ...], findings: Sequence[Finding]
) -> tuple[tuple[Job, ...], list[Finding]]:
    """The newest job, and those before it of which a value is left; and no finding without a value."""
    varying = [one for one in findings if isinstance(one, VaryingFinding)]
    used = [
        number
        for number in range(len(jobs))
        if number == len(jobs) - 1 or any(one.values[number] is not None for one in varying)
    ]
    kept: list[Finding] = []
    for one in findings:
        if isinstance(one, VaryingFinding):
            values = tuple(one.values[number] for number in used)
            if any(value is not None for value in values):
                kept.append(one.model_copy(update={"values": values}))
        else:
            kept.append(one)
    return tuple(jobs[number] for number in used), kept


def accepted(baseline: Baseline, metric: str, reason: str, expires: date, today: date) -> Baseline:
    """With an acceptance more, or one of the same findings replaced.

    Raises BaselineError for a metric that is none, PlanError for one that could not be heeded.
    """
    pattern, said = _pattern(baseline, metric), " ".join(reason.split())
    checked([Acceptance(pattern, said, expires)], today)
    if not is_printable(said) or max(len(said), len(pattern)) > LONGEST_TEXT:
        raise BaselineError(f"the reason is no plain text of at most {LONGEST_TEXT} characters; write it anew")
    one = OnFile(pattern=pattern, reason=said, expires=expires)
    others = [other for other in baseline.acceptances if other.pattern != one.pattern]
    if len(others) >= MOST_ACCEPTANCES:
        raise BaselineError(f"{MOST_ACCEPTANCES} findings are accepted already; mend some, or use a pattern")
    return baseline.model_copy(
        update={"acceptances": tuple(sorted([*others, one], key=lambda other: other.pattern))}
    )


def withdrawn(baseline: Baseline, metric: str) -> Baseline:
    """Without an acceptance. Raises BaselineError where there is none of that name."""
    patterns = [one.pattern for one in baseline.acceptances]
    wanted = next((name for name in (metric, f"*/{metric}") if name in patterns), None)
    if wanted is None:
        there = ", ".join(patterns) or "none"
        raise BaselineError(f"nothing is accepted under the name {shown(metric)}; accepted: {there}")
    return baseline.model_copy(
        update={"acceptances": tuple(one for one in baseline.acceptances if one.pattern != wanted)}
    )


def _pattern(baseline: Baseline, metric: str) -> str:
    """A metric's name alone means that of any place. Raises BaselineError for what names nothing."""
    if "/" not in metric:
        known = {*metrics(), *(one.metric for one in baseline.findings)}
        if any(fnmatchcase(name, metric) for name in known) or not metric.strip("*? "):
            return metric if metric.startswith("*") else f"*/{metric}"
    else:
        known = set(_known_names(baseline))
        if metric in known or any(fnmatchcase(name, metric) for name in known):
            return metric
    near = difflib.get_close_matches(metric, sorted(known), n=3, cutoff=0.3)
    hint = f"; near it are {', '.join(near)}" if near else ""
    raise BaselineError(f"unknown metric {shown(metric)}{hint}; poolstorm baseline show lists them")


def _known_names(baseline: Baseline) -> Iterator[str]:
    """What a gate or a check may call its findings at the places that the file knows."""
    places = {one.series.place for one in baseline.findings}
    wider = {
        Place(one.target, scenario, phase, ALL_ROUTES)
        for one in places
        for scenario, phase in (("", ""), (one.scenario, ""), (one.scenario, one.phase))
    }
    for place in places | wider:
        for metric in metrics():
            yield f"{place.name}/{metric}"
    yield from (one.name for one in baseline.findings)
