"""Marks: what happened when."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import ValidationInfo, field_validator, model_validator

from harness.records.base import Record, Whole
from scenarios.model import AS_RECORDED


class MarkKind(StrEnum):
    """Inject and heal are marked at both ends: what lies between is neither with nor without the fault."""

    LOAD_START = "load-start"
    PHASE_START = "phase-start"
    PHASE_END = "phase-end"
    INJECT_BEGIN = "inject-begin"
    INJECT_DONE = "inject-done"
    HEAL_BEGIN = "heal-begin"
    HEAL_DONE = "heal-done"
    PROVED = "proved"  # a probe through the proxy saw the fault, or its end; `detail` says what it saw
    UNPROVED = "unproved"  # the probe saw something else
    LOAD_END = "load-end"  # nothing more is started
    DRAINED = "drained"  # all answers are in, or were given up
    NOTE = "note"


class Mark(Record):
    """One event. Of a phase it bears the `phase`; of a fault also the fault's kind, the `part` of the environment
    that it is done to, and its `number` in the phase, from 1. `planned_ns` is given where the event was planned.
    """

    t_ns: Whole
    kind: MarkKind
    phase: str = ""
    fault: str = ""
    part: str = ""
    number: Whole = 0
    planned_ns: Whole | None = None
    detail: str = ""

    @field_validator("kind", mode="before")
    @classmethod
    def _or_a_remark(cls, given: Any, info: ValidationInfo) -> Any:
        """What a later version marks is a remark to this one."""
        later = info.context == AS_RECORDED and isinstance(given, str) and given not in set(MarkKind)
        return MarkKind.NOTE if later else given

    @model_validator(mode="before")
    @classmethod
    def _from_format_1(cls, given: Any) -> Any:
        """There one field `name` held the phase, or `<phase>/<number>:<fault>`."""
        if not isinstance(given, dict) or not isinstance(given.get("name"), str):
            return given
        phase, slash, rest = given["name"].partition("/")
        number, _, fault = rest.partition(":")
        own = {"phase": phase, "number": int(number), "fault": fault} if slash and number.isdecimal() else {}
        return {"phase": phase, **own, **{key: value for key, value in given.items() if key != "name"}}
