"""What several sections ask of a Summary."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from reports.summary import PhaseResult, ScenarioResult, Spread, Summary, TargetResult
from reports.view.numbers import DASH, between, figure
from reports.view.table import Cell

_Found = TypeVar("_Found")


def anchor(number: int) -> str:
    """The fragment of the section of the scenario with this number."""
    return f"scenario-{number}"


def repeats(target: TargetResult) -> str | None:
    """The name of the target that this one repeats, for the noise floor (A/A)."""
    return target.repeats


def repeated(targets: Iterable[TargetResult]) -> dict[str, str]:
    """Target -> the target that it repeats."""
    return {target.target: first for target in targets if (first := repeats(target)) is not None}


def all_targets(summary: Summary) -> list[TargetResult]:
    """The targets of every scenario."""
    return [target for scenario in summary.scenarios for target in scenario.targets]


def whole_phases(target: TargetResult) -> tuple[PhaseResult, ...]:
    """All operations together, warm-up left out."""
    return tuple(phase for phase in target.phases if phase.operation == "all" and not phase.warmup)


def is_ladder(scenario: ScenarioResult) -> bool:
    """Whether the scenario climbs a ladder of users or of arrivals."""
    return any(target.exhaustion is not None for target in scenario.targets)


def has_round_trips(scenario: ScenarioResult) -> bool:
    """Whether the scenario's question is answered by a slope."""
    return any(target.round_trips for target in scenario.targets)


def phase_order(scenario: ScenarioResult) -> Mapping[str, int]:
    """Phase -> its place in the scenario."""
    return {phase.name: number for number, phase in enumerate(scenario.phases)}


def in_phases(
    scenario: ScenarioResult, found: Iterable[tuple[TargetResult, _Found]]
) -> list[tuple[TargetResult, _Found]]:
    """What bears a `phase` and an `operation`, in the scenario's order; within them in that of the targets."""
    pairs = list(found)
    order = phase_order(scenario)
    keys = list(dict.fromkeys(_key(one) for _, one in pairs))
    keys.sort(key=lambda key: order.get(key[0], len(order)))
    places = {key: number for number, key in enumerate(keys)}
    return sorted(pairs, key=lambda pair: places[_key(pair[1])])


def _key(found: Any) -> tuple[str, str]:
    return found.phase, getattr(found, "operation", "")


def amount(value: float | None, interval: Spread | None = None, scale: float = 1.0) -> Cell:
    """A figure with its interval over the repetitions."""
    return Cell(figure(value), between(interval, scale))


def whole_number(value: int | None) -> str:
    """With a sign between the thousands; a dash for None."""
    return DASH if value is None else f"{value:,}"
