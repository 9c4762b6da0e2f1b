"""The project's own baseline: it covers every standard target, and one statement more on any route breaks it."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest

from harness.plan import build_plan
from harness.planning.wish import read_plan_file
from reports.baseline.file import read_baseline, text_of
from reports.baseline.model import Baseline, CountFinding, InvariantFinding
from reports.baseline.seen import Pair, Seen
from reports.gate.columns import Series
from reports.gate.seeing import Invariant
from reports.gate.verdicts import Verdict, exit_code
from reports.summary import CheckVerdict
from targets.drivers.registry import DRIVERS
from targets.registry import TARGETS
from tests.unit.reports.baseline.support import held, names

FOLDER = Path(__file__).parents[4] / ".ci"
ROUTES = ("create_user", "list_users", "read_user", "transfer")
COUNTS = ("checkouts", "opened", "pings", "statements")


@pytest.fixture(scope="module")
def own() -> Baseline:
    return read_baseline(FOLDER / "poolstorm-baseline.json")


def as_on_file(baseline: Baseline) -> Seen:
    """A run in which everything is as it was."""
    plan = build_plan(read_plan_file(FOLDER / "self.toml"))
    pairs = tuple(Pair(subject.name, "counted") for subject in plan.subjects)
    return Seen(
        baseline.jobs[-1],
        baseline.configurations,
        planned=pairs,
        usable=set(pairs),
        counts={one.series: (one.value,) for one in baseline.findings if isinstance(one, CountFinding)},
        invariants={
            one.series: Invariant(one.metric, CheckVerdict.PASSED, "it holds")
            for one in baseline.findings
            if isinstance(one, InvariantFinding)
        },
    )


def test_it_covers_every_route_of_every_standard_target(own: Baseline) -> None:
    counted = {(one.target, one.route, one.metric) for one in own.findings if isinstance(one, CountFinding)}
    assert set(product((*TARGETS, *DRIVERS), ROUTES, COUNTS)) == counted


def test_money_and_the_drain_of_every_standard_target_held(own: Baseline) -> None:
    held_by = {
        (one.target, one.metric)
        for one in own.findings
        if isinstance(one, InvariantFinding) and one.verdict == "passed"
    }
    assert set(product((*TARGETS, *DRIVERS), ("money-is-conserved", "no-leaked-connections", "leak"))) <= held_by


def test_its_plan_is_still_the_one_that_it_was_written_for(own: Baseline) -> None:
    plan = build_plan(read_plan_file(FOLDER / "self.toml"))
    assert plan.counts_routes
    assert [scenario.name for scenario in plan.scenarios] == list(own.configurations)
    assert {one.target for one in own.findings} == {subject.name for subject in plan.subjects}


def test_nothing_is_accepted_and_the_file_is_as_poolstorm_writes_it(own: Baseline) -> None:
    assert () == own.acceptances
    assert text_of(own) == (FOLDER / "poolstorm-baseline.json").read_text()


def test_what_is_on_file_passes_and_one_statement_more_on_any_route_does_not(own: Baseline) -> None:
    run = as_on_file(own)
    assert Verdict.PASS is held(own, run).verdict
    statements = [series for series in run.counts if series.metric == "statements"]
    assert 4 * 10 == len(statements)
    for series in statements:
        found = held(own, replace(run, counts={**run.counts, series: (run.counts[series][0] + 1,)}))
        assert (Verdict.REGRESSED, 4) == (found.verdict, exit_code(found.verdict))
        assert {series.name} == names(found, Verdict.REGRESSED)


def test_a_leak_in_any_target_breaks_it(own: Baseline) -> None:
    run = as_on_file(own)
    leaks: list[Series] = [series for series in run.invariants if series.metric == "leak"]
    for series in leaks:
        broken = Invariant("leak", CheckVerdict.BROKEN, "2 connections never came back to the pool")
        found = held(own, replace(run, invariants={**run.invariants, series: broken}))
        assert (Verdict.BROKEN, {series.name}) == (found.verdict, names(found, Verdict.BROKEN))
