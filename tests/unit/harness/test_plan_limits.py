"""Absolute limits of a plan: what is taken, and every way in which they can be wrong."""

from __future__ import annotations

from typing import Any

import pytest

from harness.errors import PlanError
from harness.gate.wish import GateWish, SideWish, settle_gate
from harness.plan import build_plan
from harness.planning.wish import merge_wishes, parse_plan
from scenarios.limits import LIMIT_NAMES, Limits

OWN: dict[str, Any] = {"scenario": {"far": {"base": "latency"}}}


def planned(limits: dict[str, Any], **more: Any) -> Any:
    return build_plan(parse_plan({"scenarios": ["latency"], "limits": limits, **more}, "plan.toml"))


def test_they_go_with_the_scenarios_that_run() -> None:
    plan = planned({"latency": {"p99_ms": 250, "error_share": 0.01}, "spike": {"checked_out_max": 30}})
    assert {"latency": Limits(p99_ms=250, error_share=0.01)} == plan.limits
    assert [("p99_ms", 250), ("error_share", 0.01)] == list(plan.limits["latency"].given())


def test_they_may_be_those_of_a_scenario_of_the_plans_own() -> None:
    plan = planned({"far": {"p50_ms": 40, "phases": ["jittery"]}}, **OWN, scenarios=["far"])
    assert ("jittery",) == plan.limits["far"].phases


def test_a_gate_has_them_too() -> None:
    wish = parse_plan({"limits": {"gate": {"p99_ms": 50}}}, "plan.toml")
    sides = GateWish(SideWish("sync-pool"), SideWish("async-pool"))
    assert {"gate": Limits(p99_ms=50)} == settle_gate(wish, sides).limits


def test_routes_are_asked_by_themselves_where_a_limit_needs_it_or_somebody_wants_it() -> None:
    assert not planned({"latency": {"statements_per_request": 3}}).counts_routes
    assert planned({"latency": {"round_trips_per_request": 9}}).counts_routes
    assert planned({}, route_costs=True).counts_routes
    assert not planned({"spike": {"round_trips_per_request": 9}}).counts_routes, "it does not run"


def test_the_command_line_goes_before_the_file() -> None:
    file = parse_plan({"route_costs": True}, "plan.toml")
    assert not build_plan(merge_wishes(file, route_costs=False)).counts_routes
    assert build_plan(merge_wishes(file, route_costs=None)).counts_routes


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({"latency": {"p99": 250}}, "limits.latency: unknown field 'p99'; did you mean 'p99_ms'?"),
        ({"latncy": {"p99_ms": 250}}, "limits: unknown scenario 'latncy'; did you mean 'latency'?"),
        ({"latency": {}}, "there is no limit in it"),
        ({"latency": {"phases": ["latency"]}}, "there is no limit in it"),
        ({"latency": {"p99_ms": 0}}, "limits.latency.p99_ms"),
        ({"latency": {"p99_ms": "250"}}, "limits.latency.p99_ms"),
        ({"latency": {"p99_ms": True}}, "limits.latency.p99_ms"),
        ({"latency": {"error_share": 1}}, "limits.latency.error_share"),
        ({"latency": {"error_share": -0.1}}, "limits.latency.error_share"),
        ({"latency": {"checked_out_max": 2.5}}, "limits.latency.checked_out_max"),
        ({"latency": {"p99_ms": 9, "phases": ["distant"]}}, "limits.latency.phases: unknown phase 'distant'"),
        ({"latency": {"p99_ms": 9, "phases": ["warm-up"]}}, "'warm-up' is warm-up, which counts for nothing"),
        ({"latency": {"p99_ms": float("nan")}}, "is no number to plan with"),
    ],
)
def test_what_is_wrong_is_said_in_one_line_when_the_plan_is_read(limits: dict[str, Any], expected: str) -> None:
    with pytest.raises(PlanError) as refused:
        planned(limits)
    assert expected in str(refused.value)
    assert 1 == len(str(refused.value).splitlines())


def test_a_limit_on_round_trips_and_no_route_costs_contradict_each_other() -> None:
    with pytest.raises(PlanError, match="leave it out, or --no-route-costs"):
        planned({"latency": {"round_trips_per_request": 9}}, route_costs=False)


@pytest.mark.parametrize("name", LIMIT_NAMES)
def test_every_limit_can_be_given_alone(name: str) -> None:
    value = 0.5 if name == "error_share" else 3
    assert [(name, value)] == list(planned({"latency": {name: value}}).limits["latency"].given())
