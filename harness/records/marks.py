"""Marks: what happened when."""

from __future__ import annotations

from enum import StrEnum

from harness.records.base import Record


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
    """One event. `name` is the phase, or `<phase>/<n>:<fault kind>` for a fault; `planned_ns` where planned."""

    t_ns: int
    kind: MarkKind
    name: str = ""
    planned_ns: int | None = None
    detail: str = ""
