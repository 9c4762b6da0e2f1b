"""Which calibrations a gate stands on: those that were named, else those beside its plan, else a shipped one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from harness.errors import PlanError, RunDirectoryError, plain_line
from harness.records import (
    CALIBRATION_FILES,
    CalibrationKind,
    GateCalibration,
    GateDesign,
    Machine,
    StandsOn,
)
from reports.calibration.summary import read_calibration
from reports.calibration.tally import tally
from reports.gate.verdicts import Verdict

SHIPPED = Path(__file__).parent / "shipped"
Where = Literal["given", "beside the plan", "shipped"]
Standings = tuple[tuple[StandsOn, ...], str]
"""Calibrations, and where there are none the reason, empty where there is none to tell."""


def standings(
    design: GateDesign,
    machine: Machine,
    *,
    given: Sequence[Path] = (),
    beside: Path | None,
    shipped: Path = SHIPPED,
) -> Standings:
    """What a gate of this design stands on. `beside` is the plan's folder.

    Raises RunDirectoryError for one that was given and cannot be read, PlanError for one of another gate.
    """
    if given:
        return _given(design, machine, given), ""
    found, reasons = _beside(design, machine, beside)
    if found or reasons:
        return found, "; ".join(reasons)
    return tuple(_shipped(design, machine, shipped)), ""


def stands_on(found: GateCalibration, machine: Machine, where: Where) -> StandsOn:
    """As a gate names it."""
    counted = tally(found)
    return StandsOn(
        calibration_id=found.plan.calibration_id,
        kind=found.plan.kind,
        where=where,
        created_at=found.plan.created_at,
        machine=found.plan.machine,
        same_machine=found.plan.machine.is_like(machine),
        plant=found.plan.plant,
        gates=found.plan.gates,
        done=counted.done,
        found=counted.found,
        inconclusive=counted.of(Verdict.INCONCLUSIVE),
        invalid=counted.of(Verdict.INVALID),
        noise=found.noise,
        family=found.family,
    )


def differs(found: GateDesign, design: GateDesign) -> str:
    """In what two designs differ, for a message; empty where they do not."""
    if found.pairs != design.pairs:
        return f"of {_numbers(found)} pairs, and this gate has {_numbers(design)}"
    if found.load_digest != design.load_digest:
        if found.scenarios != design.scenarios:
            return f"of {', '.join(found.scenarios)}, and this gate runs {', '.join(design.scenarios)}"
        return f"of another load in {', '.join(design.scenarios)} than this gate's"
    if found.subject_digest != design.subject_digest:
        told = f" of {found.subject}" if found.subject != design.subject else f" of another {design.subject}"
        return f"{told.strip()}, and this gate's base is {design.subject} as it is here"
    return ""


def _numbers(design: GateDesign) -> str:
    return ",".join(map(str, dict.fromkeys(design.pairs)))


def _given(design: GateDesign, machine: Machine, given: Sequence[Path]) -> tuple[StandsOn, ...]:
    found: dict[CalibrationKind, StandsOn] = {}
    for path in given:
        one = read_calibration(path)
        if problem := differs(one.plan.design, design):
            raise PlanError(f"calibration {path} is {problem}; calibrate that anew, or leave it out")
        if one.plan.kind in found:
            raise PlanError(f"there are two calibrations of kind {one.plan.kind}; name one with --calibration")
        found[one.plan.kind] = stands_on(one, machine, "given")
    return tuple(found.values())


def _beside(design: GateDesign, machine: Machine, folder: Path | None) -> tuple[tuple[StandsOn, ...], list[str]]:
    """A file of that name may be anybody's, and a plan may have changed since: a reason ends no gate."""
    found: list[StandsOn] = []
    reasons: list[str] = []
    for path in () if folder is None else (folder / name for name in CALIBRATION_FILES):
        if not path.exists():
            continue
        try:
            one = read_calibration(path)
        except RunDirectoryError as error:
            reasons.append(plain_line(str(error)))
            continue
        if problem := differs(one.plan.design, design):
            reasons.append(f"{path.name} is {problem}")
        elif all(one.plan.kind is not other.kind for other in found):
            found.append(stands_on(one, machine, "beside the plan"))
    return tuple(found), reasons


def _shipped(design: GateDesign, machine: Machine, folder: Path) -> Iterator[StandsOn]:
    """Of those of each kind that fit, the one of a machine like this, or else the first."""
    fitting = [
        stands_on(one, machine, "shipped")
        for path in sorted(folder.glob("*.json"))
        if not differs((one := read_calibration(path)).plan.design, design) and one.is_finished
    ]
    for kind in CalibrationKind:
        of_kind = sorted((one for one in fitting if one.kind is kind), key=lambda one: not one.same_machine)
        yield from of_kind[:1]
