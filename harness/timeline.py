"""Scenario -> what is to be done to the proxy, and when: pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from scenarios.model import Scalar, Scenario


class Action(StrEnum):
    INJECT = "inject"
    HEAL = "heal"


@dataclass(frozen=True, slots=True)
class FaultStep:
    """One action on the proxy, `at_ns` after the origin. `name` is `<phase>/<n>:<kind>`, n from 1 in its phase."""

    at_ns: int
    action: Action
    name: str
    kind: str
    settings: Mapping[str, Scalar]


def fault_steps(scenario: Scenario) -> tuple[FaultStep, ...]:
    """All injections and healings in the order of time; a healing goes before an injection at the same time."""
    steps: list[FaultStep] = []
    phase_start_s = 0.0
    for phase in scenario.phases:
        for number, fault in enumerate(phase.faults, start=1):
            name = f"{phase.name}/{number}:{fault.kind}"
            for action, at_s in ((Action.INJECT, fault.at_s), (Action.HEAL, fault.ends_at_s)):
                at_ns = round((phase_start_s + at_s) * 1e9)
                steps.append(FaultStep(at_ns, action, name, fault.kind, fault.settings))
        phase_start_s += phase.duration_s
    return tuple(sorted(steps, key=lambda step: (step.at_ns, step.action is Action.INJECT)))
