"""What a gate says of its own errors: which calibrations it stands on, or that it stands on none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.records import CalibrationKind, Plant, StandsOn
from reports.calibration.bounds import at_least, at_most
from reports.gate.promise import promise_lines

NOT_CALIBRATED = "not calibrated: how often this gate errs has not been measured (poolstorm calibrate aa)"


def standing_lines(pairs: Sequence[int], stands_on: Sequence[StandsOn], not_calibrated: str) -> Iterator[str]:
    """For the start of a gate, and for its header; of the same arguments as its record has fields."""
    if not stands_on:
        yield f"not calibrated: {not_calibrated}" if not_calibrated else NOT_CALIBRATED
    yield from map(_line, stands_on)
    yield from promise_lines(pairs, stands_on)


def _line(one: StandsOn) -> str:
    where = "" if one.same_machine else f", on another machine ({one.machine}), whose rates need not be this one's"
    named = f"calibration {one.calibration_id}{'' if one.where == 'given' else f' ({one.where})'}"
    if one.done < one.gates:
        return f"{named}: unfinished, {one.done} of {one.gates} gates, so no bound is known{where}"
    return f"{named}: {rates(one.kind, one.plant, one.found, one.gates)}, {_others(one)}{where}"


def rates(kind: CalibrationKind, plant: Plant | None, found: int, gates: int) -> str:
    """Such as `false alarms: 1 of 60 gates, at most 7.7 %`, one-sided at 95 %."""
    if kind is CalibrationKind.AA:
        return f"false alarms: {found} of {gates} gates, at most {per_cent(at_most(found, gates))}"
    told = planted(plant)
    return f"{told} found by {found} of {gates} gates, at least {per_cent(at_least(found, gates))}"


def planted(plant: Plant | None) -> str:
    """What was planted, in words."""
    if plant is None:
        return "nothing"
    if plant.kind == "latency":
        return f"{plant.head_latency_ms} against {plant.base_latency_ms} ms on the link"
    return "one more statement a request"


def per_cent(share: float) -> str:
    """Two digits of it."""
    value = 100 * share
    return f"{value:.2g} %" if value < 10 else f"{value:.1f} %"


def _others(one: StandsOn) -> str:
    invalid = f", {one.invalid} invalid" if one.invalid else ""
    return f"{one.inconclusive} open{invalid}"
