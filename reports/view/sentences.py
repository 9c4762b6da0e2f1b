"""What came out, in a sentence or two for each scenario, worked out from its figures alone."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from reports.summary import Exhaustion, FaultWindow, PhaseResult, ScenarioResult, TargetResult
from reports.view.matrix import telling_phase
from reports.view.numbers import figure, percent
from reports.view.pieces import repeats, whole_phases

_SAID_BY_LATENCY = "latency"
_MANY = 3


def what_came_out(scenario: ScenarioResult) -> str:
    """What came out, for a reader in a hurry; repeated targets (A/A) are left out. Empty without figures."""
    targets = [target for target in scenario.targets if repeats(target) is None]
    said = _came_out(scenario, targets)
    missing = [target.target for target in targets if not target.phases]
    return f"{said} Without valid figures: {listed(missing)}." if said and missing else said


def _came_out(scenario: ScenarioResult, targets: Sequence[TargetResult]) -> str:
    if any(target.exhaustion is not None and target.exhaustion.steps for target in targets):
        return _said_of_ladder(targets)
    if any(target.round_trips for target in targets):
        return _said_of_round_trips(targets)
    if any(target.faults for target in targets):
        return _said_of_faults(scenario, targets)
    return _said_of_phase(scenario, targets)


def listed(names: Iterable[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def grouped(pairs: Iterable[tuple[str, str]]) -> str:
    """Name and value, those of one value together, in the order given: `a and b 3.1, c 4.0`."""
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(value, []).append(name)
    return ", ".join(f"{listed(names)} {value}" for value, names in values.items())


def _everywhere(pairs: Sequence[tuple[str, str]]) -> str:
    """`all, whatever the target`, or value by value `40 % in a and b, all in c`."""
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(value, []).append(name)
    if len(values) == 1 and len(pairs) > 1:
        return f"{next(iter(values))}, whatever the target"
    return ", ".join(f"{value} in {listed(names)}" for value, names in values.items())


# --- no fault: the telling phase -------------------------------------------------------------------------


def _said_of_phase(scenario: ScenarioResult, targets: Sequence[TargetResult]) -> str:
    name = telling_phase(scenario)
    found = [
        (target, phase)
        for target in targets
        for phase in whole_phases(target)
        if phase.phase == name and phase.success.p50_ms is not None
    ]
    if not found:
        return ""
    control = next((phase for target, phase in found if target.is_control), None)
    control_name = next((target.target for target, _ in found if target.is_control), "")
    ratios = sorted(
        ((target.target, phase.p50_ratio) for target, phase in found if phase.p50_ratio is not None),
        key=lambda pair: pair[1].median,
    )
    if control is None or not ratios:
        medians = grouped((target.target, f"{figure(phase.success.p50_ms)} ms") for target, phase in found)
        return f"In phase {name} the median request took: {medians}.{_lost(found)}"
    told = [(other, ratio) for other, ratio in ratios if ratio.beyond_noise is not False]
    alike = [other for other, ratio in ratios if ratio.beyond_noise is False]
    words = [f"In phase {name} the median request took {figure(control.success.p50_ms)} ms in {control_name}"]
    words += [
        f"{figure(ratio.median)} {'times as long ' if not number else ''}in {other}"
        for number, (other, ratio) in enumerate(told)
    ]
    noise = f"; no difference beyond the noise in {listed(alike)}" if alike else ""
    return f"{', '.join(words)}{noise}.{_lost(found)}"


def _lost(found: Sequence[tuple[TargetResult, PhaseResult]]) -> str:
    shares = [
        (target.target, f"{percent(1 - phase.success_share)} %")
        for target, phase in found
        if phase.success_share is not None and phase.success_share < 1
    ]
    return " No request failed." if not shares else f" Errors: {_everywhere(shares)}."


# --- faults ----------------------------------------------------------------------------------------------


def _said_of_faults(scenario: ScenarioResult, targets: Sequence[TargetResult]) -> str:
    keys = dict.fromkeys((fault.phase, fault.kind) for target in targets for fault in target.faults)
    slowed = [_slowed(scenario, targets, phase) for phase, kind in keys if kind == _SAID_BY_LATENCY]
    failed = [_failed(targets, phase, kind) for phase, kind in keys if kind != _SAID_BY_LATENCY]
    failed = [sentence for sentence in failed if sentence]
    losses = f"Requests that failed {'; '.join(failed)}." if failed else ""
    return " ".join(sentence for sentence in [*slowed, losses, _recovered(targets)] if sentence)


def _slowed(scenario: ScenarioResult, targets: Sequence[TargetResult], phase: str) -> str:
    """How far the median rose inside the fault, over the first counting phase without one."""
    calm = next((info.name for info in scenario.phases if not info.faults and not info.warmup), None)
    planned = next((info.faults for info in scenario.phases if info.name == phase), ())
    rises = []
    for target in targets:
        before = next((result.success.p50_ms for result in whole_phases(target) if result.phase == calm), None)
        inside = _median(_windows(target, phase, _SAID_BY_LATENCY))
        if before is not None and inside is not None:
            rises.append((inside - before, target.target))
    if not rises:
        return ""
    told = ", ".join(
        f"{figure(rise)} {'ms ' if not number else ''}in {name}"
        for number, (rise, name) in enumerate(sorted(rises))
    )
    what = planned[0].split(" from ")[0].replace("+-", "±") if len(planned) == 1 else _SAID_BY_LATENCY
    return f"With {what} (phase {phase}) the median rose by {told}."


def _median(windows: Sequence[FaultWindow]) -> float | None:
    known_ms = sorted(window.success.p50_ms for window in windows if window.success.p50_ms is not None)
    return known_ms[len(known_ms) // 2] if known_ms else None


def _windows(target: TargetResult, phase: str, kind: str) -> list[FaultWindow]:
    return [fault for fault in target.faults if (fault.phase, fault.kind) == (phase, kind)]


def _failed(targets: Sequence[TargetResult], phase: str, kind: str) -> str:
    shares = []
    for target in targets:
        windows = _windows(target, phase, kind)
        lost = sum(window.failure.count for window in windows)
        total = lost + sum(window.success.count for window in windows)
        if total:
            shares.append((target.target, "all" if lost == total else "none" if not lost else _share(lost, total)))
    return f"during {kind}: {_everywhere(shares)}" if shares else ""


def _share(lost: int, total: int) -> str:
    return f"{percent(lost / total)} %"


def _recovered(targets: Sequence[TargetResult]) -> str:
    """How soon all was well after the healings; nothing where nothing had failed."""
    faults = [(target.target, fault) for target in targets for fault in target.faults]
    never = list(dict.fromkeys(name for name, fault in faults if fault.recovery_ms is None))
    if never:
        return f"After some healing no steady success was seen in {listed(never)}."
    if not any(fault.failure.count for _, fault in faults):
        return ""
    slowest_ms = max(fault.recovery_ms or 0.0 for _, fault in faults)
    tenths = math.ceil(slowest_ms / 100)  # recovery is known in steps of an interval
    return f"After every healing all requests succeeded again within {tenths / 10:g} s."


# --- ladders ---------------------------------------------------------------------------------------------


def _said_of_ladder(targets: Sequence[TargetResult]) -> str:
    begun: dict[tuple[str, float, str], list[str]] = {}
    never = []
    for target in targets:
        ladder = target.exhaustion
        if ladder is None or not ladder.steps:
            continue
        if ladder.onset_offered is None:
            top = ladder.said(ladder.steps[-1].offered)
            never.append(f"{target.target} had neither up to {top}, with {_most(ladder)}")
        else:
            verb = {"refusals": "refused", "failures": "failed"}[ladder.onset_sign]
            key = (verb, ladder.onset_offered, ladder.said(ladder.onset_offered))
            begun.setdefault(key, []).append(f"{target.target} ({_allowed(ladder)})")
    said = [
        f"{listed(names)} {verb} requests from {offered} on"
        for (verb, _, offered), names in sorted(begun.items(), key=lambda item: item[0][1])
    ]
    return "; ".join([*said, *never]) + "."


def _allowed(ladder: Exhaustion) -> str:
    return "no limit" if ladder.limit is None else f"{ladder.limit} connections"


def _most(ladder: Exhaustion) -> str:
    if ladder.checked_out_max is None:
        return "a pool that could not be looked into"
    return f"{ladder.checked_out_max} connections checked out at most"


# --- round trips -----------------------------------------------------------------------------------------


def _said_of_round_trips(targets: Sequence[TargetResult]) -> str:
    operations = dict.fromkeys(trips.operation for target in targets for trips in target.round_trips)
    said = []
    for operation in list(operations)[:_MANY]:
        slopes = sorted(
            (trips.slope, target.target)
            for target in targets
            for trips in target.round_trips
            if trips.operation == operation
        )
        told = grouped((name, figure(slope)) for slope, name in slopes)
        said.append(f"So many times in a row one {operation} waits for the database: {told}.")
    return " ".join(said)
