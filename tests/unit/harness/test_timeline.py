"""Scenario -> steps on the proxy."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from harness.timeline import Action, fault_steps
from scenarios.model import Arrivals, FaultSpec, Phase, Scenario


def scenario(*phases: Phase) -> Scenario:
    return Scenario(name="x", title="X", question="?", phases=phases)


def phase(name: str, duration_s: float, *faults: FaultSpec) -> Phase:
    return Phase(name=name, duration_s=duration_s, arrivals=Arrivals(rate_per_s=1), faults=faults)


def test_steps_lie_on_the_scenarios_clock_in_the_order_of_time() -> None:
    down = FaultSpec(kind="proxy-down", at_s=0.5, duration_s=1.0)
    steps = fault_steps(scenario(phase("a", 2.0), phase("b", 3.0, down), phase("c", 2.0, down)))
    # b begins at 2 s, c at 5 s.
    expected = [
        (2_500_000_000, Action.INJECT, "b", 1, "proxy-down", "primary-link"),
        (3_500_000_000, Action.HEAL, "b", 1, "proxy-down", "primary-link"),
        (5_500_000_000, Action.INJECT, "c", 1, "proxy-down", "primary-link"),
        (6_500_000_000, Action.HEAL, "c", 1, "proxy-down", "primary-link"),
    ]
    assert expected == [(step.at_ns, step.action, step.phase, step.number, step.kind, step.part) for step in steps]


def test_a_healing_goes_before_the_next_fault_at_the_same_moment() -> None:
    first = FaultSpec(kind="timeout", at_s=0.0, duration_s=1.0)
    second = FaultSpec(kind="proxy-down", at_s=1.0, duration_s=1.0)
    steps = fault_steps(scenario(phase("a", 2.0, second, first)))
    assert [(step.action, step.kind) for step in steps] == [
        (Action.INJECT, "timeout"),
        (Action.HEAL, "timeout"),
        (Action.INJECT, "proxy-down"),
        (Action.HEAL, "proxy-down"),
    ]


def test_scaling_moves_faults_with_their_phase() -> None:
    fault = FaultSpec(kind="timeout", at_s=0.5, duration_s=1.0)
    scaled = scenario(phase("a", 2.0), phase("b", 2.0, fault)).scaled(2.0)
    assert scaled.duration_s == 8.0
    assert [step.at_ns for step in fault_steps(scaled)] == [5_000_000_000, 7_000_000_000]


def test_a_fault_that_outlasts_its_phase_is_refused_with_the_mend() -> None:
    with pytest.raises(ValidationError, match="outside its phase 'a' of 2 s; shorten it or lengthen the phase"):
        phase("a", 2.0, FaultSpec(kind="timeout", at_s=1.5, duration_s=1.0))


def test_faults_of_a_phase_must_not_overlap() -> None:
    with pytest.raises(
        ValidationError, match="before the fault ahead of it on 'primary-link' is healed at 1 s; move it"
    ):
        phase(
            "a",
            2.0,
            FaultSpec(kind="timeout", at_s=0.0, duration_s=1.0),
            FaultSpec(kind="proxy-down", at_s=0.9, duration_s=0.5),
        )
