"""What a baseline keeps of a run, of the jobs before it, and of what is accepted."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from harness.errors import BaselineError, PlanError
from reports.baseline.model import MOST_JOBS, Baseline, CountFinding, InvariantFinding, VaryingFinding
from reports.baseline.renewing import accepted, renewed, unsettled, withdrawn
from tests.unit.reports.baseline.support import (
    SCENARIO,
    TODAY,
    cost,
    seen,
    trial,
    with_costs,
    with_latency,
    written,
)
from tests.unit.reports.baseline.test_judging import LATER, READ, fails
from tests.unit.reports.builder import one_phase

P50 = "shop/counted/steady/all/p50"


def counts(baseline: Baseline) -> dict[str, float]:
    return {one.name: one.value for one in baseline.findings if isinstance(one, CountFinding)}


def values(baseline: Baseline, name: str = P50) -> tuple[int | None, ...]:
    """By job, to the millisecond."""
    (found,) = [one for one in baseline.findings if isinstance(one, VaryingFinding) and one.name == name]
    return tuple(None if value is None else round(value) for value in found.values)


def test_it_holds_counts_invariants_and_clocks(tmp_path: Path) -> None:
    found = written(tmp_path / "a")
    assert 1 == counts(found)[READ]
    assert 3 == counts(found)["shop/counted/steady/write/statements"]
    shown = {one.metric: one.verdict for one in found.findings if isinstance(one, InvariantFinding)}
    assert {"money-is-conserved": "passed", "no-leaked-connections": "passed"}.items() <= shown.items()
    assert (10,) == values(found)
    assert "Example CPU, 2 cores, 8 GiB, Linux" == found.jobs[-1].machine


def test_a_count_that_differs_among_trials_is_left_out_and_named(tmp_path: Path) -> None:
    twice = (trial(), trial(with_costs(cost("read", statements=4), cost("write", statements=6)), repetition=2))
    found = written(tmp_path / "a", *twice)
    assert READ not in counts(found)
    assert 3 == counts(found)["shop/counted/steady/write/statements"]
    (said, *_) = unsettled(seen(tmp_path / "b", *twice))
    assert f"{READ}: 1 to 2 a request" == said


def test_round_trips_are_timed_and_take_two_trials_that_agree(tmp_path: Path) -> None:
    name = "shop/counted/steady/read/round trips"
    assert name not in counts(written(tmp_path / "a"))
    assert 3 == counts(written(tmp_path / "b", trial(), trial(repetition=2)))[name]


def test_past_jobs_stand_beside_one_another_up_to_a_bound(tmp_path: Path) -> None:
    found = None
    for number in range(MOST_JOBS + 3):
        found = written(tmp_path / f"job-{number}", trial(with_latency(10 + number)), before=found)
    assert found is not None
    assert MOST_JOBS == len(found.jobs) == len(values(found))
    assert ("job-3", f"job-{MOST_JOBS + 2}") == (found.jobs[0].run, found.jobs[-1].run)
    assert (13, 32) == (values(found)[0], values(found)[-1])


def test_the_same_run_again_replaces_itself(tmp_path: Path) -> None:
    once = written(tmp_path / "a")
    assert once == written(tmp_path / "x" / "a", before=once)


def test_what_this_run_says_nothing_of_stays(tmp_path: Path) -> None:
    both = written(tmp_path / "a", trial(), trial(target="other"))
    found = written(tmp_path / "b", before=both)
    assert counts(both) == counts(found)
    assert (10, None) == values(found, "other/counted/steady/all/p50")
    lost = written(tmp_path / "c", trial(), trial(fails, target="other"), before=both)
    assert counts(both) == counts(lost)


def test_what_was_run_otherwise_begins_anew(tmp_path: Path) -> None:
    longer = SCENARIO.model_copy(update={"phases": (one_phase(duration_s=3.0),)})
    before = written(tmp_path / "a", trial(), trial(target="other"))
    found = written(tmp_path / "b", trial(scenario=longer), before=before)
    assert {"shop"} == {one.target for one in found.findings}, "the other was measured in the old way"
    assert (10,) == values(found)


def test_a_run_without_a_trial_that_can_be_used_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(BaselineError, match=r"no trial of run a can be used \(the machine was restarted\)"):
        written(tmp_path / "a", trial(fails))


def test_acceptances_survive_a_new_writing(tmp_path: Path) -> None:
    before = accepted(written(tmp_path / "a"), "statements", "known", LATER, TODAY)
    assert before.acceptances == written(tmp_path / "b", before=before).acceptances


@pytest.mark.parametrize(
    ("metric", "pattern"),
    [
        (READ, READ),
        ("shop/counted/steady/read/*", None),
        ("shop/*/statements", "shop/*/statements"),
        ("statements", "*/statements"),
        ("p*", "*/p*"),
        ("limit-p99_ms", "*/limit-p99_ms"),
        ("shop/counted/steady/all/cpu", "shop/counted/steady/all/cpu"),  # a gate's, at a place that is known
        ("shop/counted/all/bank", "shop/counted/all/bank"),
    ],
)
def test_a_finding_is_accepted_by_name_by_pattern_or_by_metric(
    tmp_path: Path, metric: str, pattern: str | None
) -> None:
    baseline = written(tmp_path / "a")
    if pattern is None:
        with pytest.raises(PlanError, match="covers everything"):
            accepted(baseline, metric, "known", LATER, TODAY)
        return
    (found,) = accepted(baseline, metric, "  known\n for long ", LATER, TODAY).acceptances
    assert (pattern, "known for long", LATER) == (found.pattern, found.reason, found.expires)


@pytest.mark.parametrize(
    ("metric", "reason", "expires", "says"),
    [
        ("statments", "known", LATER, "unknown metric 'statments'; near it are statements"),
        ("shop/counted/steady/raed/statements", "known", LATER, READ),
        ("elsewhere/p50", "known", LATER, "unknown metric 'elsewhere/p50'"),
        ("*", "known", LATER, "covers everything"),
        ("*/*", "known", LATER, "covers everything"),
        ("shop/*", "known", LATER, "covers everything"),
        (READ, "  ", LATER, "has no reason"),
        (READ, "a\x1bb", LATER, "no plain text"),
        (READ, "a" * 301, LATER, "at most 300 characters"),
        (READ, "known", date(2026, 5, 31), "expired on 2026-05-31"),
    ],
)
def test_what_cannot_be_accepted_is_refused_in_one_line(
    tmp_path: Path, metric: str, reason: str, expires: date, says: str
) -> None:
    with pytest.raises((BaselineError, PlanError)) as refused:
        accepted(written(tmp_path / "a"), metric, reason, expires, TODAY)
    assert says in str(refused.value)
    assert 1 == len(str(refused.value).splitlines())


def test_an_acceptance_is_replaced_and_withdrawn(tmp_path: Path) -> None:
    once = accepted(written(tmp_path / "a"), "statements", "known", LATER, TODAY)
    (again,) = accepted(once, "statements", "still", LATER, TODAY).acceptances
    assert "still" == again.reason
    assert () == withdrawn(once, "statements").acceptances
    with pytest.raises(BaselineError, match=r"nothing is accepted under the name 'p50'; accepted: \*/statements"):
        withdrawn(once, "p50")


def test_what_varies_can_be_left_out(tmp_path: Path) -> None:
    found = renewed(written(tmp_path / "a"), seen(tmp_path / "b"), varying=False)
    assert {"count", "invariant"} == {one.kind for one in found.findings}
    assert ["b"] == [job.run for job in found.jobs], "no value is left of the one before"
