"""Scenario -> what is to be done to which part, and when: pure."""

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
    """One action on a part, `at_ns` after the origin: of a fault, the `number`th of its phase, from 1."""

    at_ns: int
    action: Action
    phase: str
    number: int
    kind: str
    part: str
    settings: Mapping[str, Scalar]

    @property
    def fault_key(self) -> tuple[str, int]:
        """What an injection and its healing have in common."""
        return self.phase, self.number

    def describe(self) -> str:
        """A few words, such as `inject of latency in near`."""
        return f"{self.action} of {self.kind} in {self.phase}"


def fault_steps(scenario: Scenario) -> tuple[FaultStep, ...]:
    """All injections and healings in the order of time; a healing goes before an injection at the same time."""
    steps: list[FaultStep] = []
    phase_start_s = 0.0
    for phase in scenario.phases:
        for number, fault in enumerate(phase.faults, start=1):
            for action, at_s in ((Action.INJECT, fault.at_s), (Action.HEAL, fault.ends_at_s)):
                at_ns = round((phase_start_s + at_s) * 1e9)
                steps.append(FaultStep(at_ns, action, phase.name, number, fault.kind, fault.part, fault.settings))
        phase_start_s += phase.duration_s
    return tuple(sorted(steps, key=lambda step: (step.at_ns, step.action is Action.INJECT)))
