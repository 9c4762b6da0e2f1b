"""One phase of one target in all its pairs, and which of them can be used for what."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from reports.gate.columns import Paired, Sides
from reports.gate.limits import OFFERED_SHARE
from reports.gate.model import ALL_ROUTES, Observed, Pair, Phase, PhaseKind, Place, Slot, Stretch


def is_whole(pair: Pair) -> bool:
    """Whether both sides were measured."""
    return not any(side.lost or side.crashed for side in (pair.base, pair.head))


def whole_pairs(pairs: Mapping[int, Pair]) -> dict[int, Pair]:
    """Those of which both sides were measured, by row."""
    return {row: pair for row, pair in pairs.items() if is_whole(pair)}


def was_late(phase: Phase) -> bool:
    """Whether this side's own generator kept its time, where the load leaves it room to."""
    if phase.kind is PhaseKind.SATURATING:
        return False
    return phase.generator_late or phase.offered_share < OFFERED_SHARE


def target_is_invalid(pairs: Mapping[int, Pair], planned: int) -> str:
    """Why nothing of a target can be judged; empty where it can."""
    whole = whole_pairs(pairs)
    configurations = {side.configuration for pair in whole.values() for side in (pair.base, pair.head)}
    if len(configurations) > 1:
        return "base and head, or pairs, ran with different configurations"
    if len(whole) < planned:
        lost = dict.fromkeys(reason for pair in pairs.values() for reason in _lost(pair))
        why = f": {'; '.join(lost)}" if lost else ""
        return f"{len(whole)} of {planned} pairs were measured{why}"
    return ""


def _lost(pair: Pair) -> list[str]:
    sides: tuple[tuple[str, Slot], ...] = (("base", pair.base), ("head", pair.head))
    return [f"{name} {side.lost or 'crashed'}" for name, side in sides if side.lost or side.crashed]


@dataclass(frozen=True)
class Context:
    """`phases` by row of the table, base and head; `rows` counts the whole table's."""

    target: str
    stretch: Stretch
    phases: Mapping[int, tuple[Phase, Phase]]
    rows: int
    planned: int
    fidelity_ms: float
    invalid: str

    @property
    def kind(self) -> PhaseKind:
        """Of the phase, which both sides share."""
        return next(iter(self.phases.values()))[0].kind

    @property
    def timely(self) -> frozenset[int]:
        """Pairs in which base's generator kept its time. Of head alone it may be late: head may be the reason."""
        return frozenset(row for row, (base, _) in self.phases.items() if not was_late(base))

    @property
    def clock_is_invalid(self) -> str:
        """Why times cannot be judged, though counts may be; a late pair may have been replaced by another."""
        timely = len(self.timely)
        late = f"base's generator was late, or offered less than 99 % of the rate, in {len(self.phases) - timely}"
        return self.invalid or (f"{late} of {len(self.phases)} pairs" if timely < self.planned else "")

    @property
    def head_alone_late(self) -> int:
        """Pairs in which head's generator was late and base's was not."""
        return sum(was_late(self.phases[row][1]) for row in self.timely)

    def place(self, route: str = ALL_ROUTES) -> Place:
        """Of a route in this phase."""
        return Place(self.target, self.stretch.scenario, self.stretch.phase, route)

    def of_phase(self, read: Callable[[Phase], float | None], *, clock: bool = True) -> Paired:
        """A figure of the phase, in the pairs that can be used."""
        rows = self.timely if clock else self.phases.keys()
        return {row: (read(self.phases[row][0]), read(self.phases[row][1])) for row in sorted(rows)}

    def of_route(
        self, route: str, read: Callable[[Observed], float | None], *, clock: bool = True, fewest: int = 1
    ) -> Paired:
        """A figure of a route, in the pairs that can be used and in which both sides had `fewest` requests of it.

        That a route was seldom asked is the load's doing. A side that was asked and has no figure hinders a pass.
        """
        rows = sorted(self.timely if clock else self.phases.keys())
        routes = {row: tuple(phase.routes.get(route) for phase in self.phases[row]) for row in rows}
        return {
            row: (read(base), read(head))
            for row, (base, head) in routes.items()
            if base is not None and head is not None and min(base.requests, head.requests) >= fewest
        }


def known(paired: Paired) -> list[tuple[float, float]]:
    """Pairs of which both sides have a figure."""
    return [sides for sides in paired.values() if _both(sides)]  # type: ignore[misc]


def _both(sides: Sides) -> bool:
    return sides[0] is not None and sides[1] is not None
