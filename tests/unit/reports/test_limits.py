"""Absolute limits, held against recorded runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.records import DatabaseReading, Outcome, RouteCost, TrialState
from reports.analyse import analyse
from reports.analysis.limits import exit_code_of, told_limits
from reports.formats import html, markdown, terminal
from reports.read import read_run
from reports.summary import CheckVerdict, LimitResult, Summary
from scenarios.limits import Limits
from scenarios.model import Scenario
from tests.unit.reports.builder import Request, TrialBuilder, ns, one_phase, pool_reading, target_info, write_run

BROKEN, UNDECIDED, PASSED = CheckVerdict.BROKEN, CheckVerdict.UNDECIDED, CheckVerdict.PASSED
SCENARIO = Scenario(
    name="steady",
    title="Steady",
    question="?",
    phases=(one_phase("first", 2.0), one_phase("second", 2.0)),
)
Plant = Callable[[TrialBuilder], None]


def trial(plant: Plant, repetition: int = 1) -> TrialBuilder:
    """A hundred requests of 10 ms in each of two phases, of a pool that told of itself."""
    one = TrialBuilder(SCENARIO, target_info("shop"), repetition=repetition)
    one.mark_phases()
    one.requests = [Request("first" if number < 100 else "second", 0.02 * number, 10.0) for number in range(200)]
    for number in range(1, 41):
        one.readings.append(
            DatabaseReading(t_ns=ns(0.1 * number), active=1, idle=6, idle_in_transaction=0, total=7)
        )
    one.readings += [pool_reading(-0.1, 0), pool_reading(1.0, 4, requests_total=100, statements_total=300)]
    one.pool_at_end = pool_reading(
        5.0, 0, requests_total=200, statements_total=600, checkouts_total=200, checked_out_max=4
    )
    one.cpu_s = {"app": 0.4}
    one.route_costs = (
        RouteCost(route="/a", requests=2, statements=2, checkouts=2, opened=0, pings=0, round_trips=2),
        RouteCost(route="/b", requests=2, statements=8, checkouts=2, opened=0, pings=0, round_trips=5),
    )
    plant(one)
    return one


def nothing(_: TrialBuilder) -> None:
    """As it is."""


def summary(path: Path, limits: Limits, plant: Plant = nothing) -> Summary:
    return analyse(read_run(write_run(path / "run", [trial(plant)], limits={"steady": limits})))


def only(path: Path, plant: Plant = nothing, **limits: object) -> LimitResult:
    (found,) = summary(path, Limits.model_validate(limits), plant).limits
    return found


@pytest.mark.parametrize(
    ("name", "kept", "broken", "value"),
    [
        ("p50_ms", 11, 9, 10),
        ("p90_ms", 11, 9, 10),
        ("p99_ms", 11, 9, 10),
        ("max_ms", 11, 9, 10),
        ("completed_per_s_min", 45, 55, 50),
        ("checked_out_max", 4, 3, 4),
        ("sessions_max", 7, 6, 7),
        ("statements_per_request", 4, 3.9, 4),
        ("checkouts_per_request", 1, 0.9, 1),
        ("round_trips_per_request", 5, 4, 5),
        ("cpu_ms_per_request", 2.1, 1.9, 2),
    ],
)
def test_each_is_kept_up_to_its_value_and_broken_beyond(
    tmp_path: Path, name: str, kept: float, broken: float, value: float
) -> None:
    good, bad = (only(tmp_path / str(limit), nothing, **{name: limit}) for limit in (kept, broken))
    assert (PASSED, BROKEN) == (good.verdict, bad.verdict), (good.evidence, bad.evidence)
    assert value == pytest.approx(bad.value, rel=0.02)


def test_the_place_where_it_is_kept_the_least_speaks(tmp_path: Path) -> None:
    def slow_second(one: TrialBuilder) -> None:
        one.requests = [Request(r.phase, r.sent_s, 30.0 if r.phase == "second" else 10.0) for r in one.requests]

    found = only(tmp_path, slow_second, p50_ms=20)
    assert (BROKEN, "second") == (found.verdict, found.phase)
    assert PASSED is only(tmp_path / "x", slow_second, p50_ms=20, phases=["first"]).verdict
    assert "/b" == only(tmp_path / "y", round_trips_per_request=3).route


def test_failures_count_and_do_not_flatter_a_latency(tmp_path: Path) -> None:
    def slow_failures(one: TrialBuilder) -> None:
        one.requests = [
            Request(r.phase, r.sent_s, 500.0, outcome=Outcome.FAILED, kind="http-500") if number % 10 == 0 else r
            for number, r in enumerate(one.requests)
        ]

    errors = only(tmp_path / "a", slow_failures, error_share=0.05)
    assert BROKEN is errors.verdict
    assert pytest.approx(0.1) == errors.value
    latency = only(tmp_path / "b", slow_failures, p90_ms=400, phases=["first"])
    assert PASSED is latency.verdict, "nine of ten answers came in 10 ms"
    assert BROKEN is only(tmp_path / "c", slow_failures, max_ms=400).verdict


def test_what_was_not_measured_is_undecided_and_never_kept(tmp_path: Path) -> None:
    def bare(one: TrialBuilder) -> None:
        one.route_costs, one.pool_at_end, one.cpu_s = (), None, {}
        one.readings = []

    for number, name in enumerate(
        ("checked_out_max", "sessions_max", "statements_per_request", "round_trips_per_request", "p999_ms",
         "cpu_ms_per_request", "recovery_ms")
    ):  # fmt: skip
        found = only(tmp_path / str(number), bare, **{name: 1000})
        assert UNDECIDED is found.verdict, name
        assert found.evidence, name


def test_only_failures_leave_a_latency_undecided(tmp_path: Path) -> None:
    def fails(one: TrialBuilder) -> None:
        one.requests = [
            Request(r.phase, r.sent_s, 1.0, outcome=Outcome.REFUSED, kind="pool-exhausted") for r in one.requests
        ]

    assert UNDECIDED is only(tmp_path, fails, p99_ms=1000).verdict


def test_a_run_ends_with_4_where_one_is_broken_and_with_3_where_one_is_open(tmp_path: Path) -> None:
    kept = summary(tmp_path / "kept", Limits(p99_ms=50))
    broken = summary(tmp_path / "broken", Limits(p99_ms=5, checked_out_max=30, p999_ms=9000))
    undecided = summary(tmp_path / "open", Limits(p999_ms=9000, checked_out_max=30))
    assert (0, "") == (exit_code_of(kept), told_limits(kept))
    assert (4, "of 3 limits 1 broken and 1 undecided") == (exit_code_of(broken), told_limits(broken))
    assert (3, "of 2 limits 1 undecided") == (exit_code_of(undecided), told_limits(undecided))


def test_a_trial_that_cannot_be_used_leaves_them_undecided(tmp_path: Path) -> None:
    def lost(one: TrialBuilder) -> None:
        one.state, one.reason = TrialState.FAILED, "the machine was restarted"

    assert UNDECIDED is only(tmp_path, lost, p99_ms=50).verdict


def test_every_format_shows_them(tmp_path: Path) -> None:
    found = summary(tmp_path, Limits(p99_ms=5, checked_out_max=30))
    shown = terminal.render(found, width=200)
    assert "limit broken: shop: p99_ms at most 5: first: p99 of 100 successes was 10 ms" in shown
    assert "limit kept: shop: checked_out_max at most 30" in shown
    assert "✗ broken" in markdown.render(found)
    assert "p99_ms at most 5" in html.render(found)
