"""Pairs -> columns of the test, rows that need none, and the routes that only one side has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from reports.gate.columns import Column, Series
from reports.gate.context import Context, target_is_invalid, whole_pairs
from reports.gate.counts import count_rows
from reports.gate.errors import error_columns, flattery, rare_events
from reports.gate.exact import Exact
from reports.gate.latency import latency_columns, left_out
from reports.gate.model import ALL_ROUTES, Measured, Pair, Phase, PhaseKind, Place, Stretch
from reports.gate.phases import phase_columns
from reports.gate.verdicts import Verdict


@dataclass
class Found:
    """Columns for the test, exact rows beside it, and what is only named."""

    columns: list[Column] = field(default_factory=list)
    exact: list[Exact] = field(default_factory=list)
    appeared: list[str] = field(default_factory=list)
    went: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    def add(self, made: Iterable[Column | Exact]) -> None:
        """Keep each where it belongs."""
        for one in made:
            if isinstance(one, Column):
                self.columns.append(one)
            else:
                self.exact.append(one)


def find(measured: Measured) -> Found:
    """Every metric, route, scenario and target. Rows of the table are blocks: all targets are flipped together."""
    found = Found()
    row_of = {number: row for row, number in enumerate(sorted({pair.number for pair in measured.pairs}))}
    for target in dict.fromkeys(pair.target for pair in measured.pairs):
        pairs = {row_of[pair.number]: pair for pair in measured.pairs if pair.target == target}
        _read_target(found, measured, target, pairs, len(row_of))
    return found


def _read_target(found: Found, measured: Measured, target: str, pairs: Mapping[int, Pair], rows: int) -> None:
    crashes = {row: (float(pair.base.crashed), float(pair.head.crashed)) for row, pair in pairs.items()}
    column = rare_events(Series("crashes", Place(target)), crashes, rows, "")
    found.add([column] if column is not None else [])
    whole, invalid = whole_pairs(pairs), target_is_invalid(pairs, measured.pairs_planned)
    if invalid:
        found.exact.append(Exact(Series("pairs", Place(target)), Verdict.INVALID, invalid, pairs=len(whole)))
    sides = [side for pair in whole.values() for side in (pair.base, pair.head)]
    for stretch in dict.fromkeys(stretch for side in sides for stretch in side.phases):
        phases = _phases(whole, stretch)
        place = Place(target, stretch.scenario, stretch.phase)
        if len(phases) < len(whole):
            said = f"both sides went through this phase in {len(phases)} of {len(whole)} pairs"
            found.exact.append(Exact(Series("phase", place), Verdict.INVALID, said, pairs=len(phases)))
        if phases:
            reason = invalid or ("" if len(phases) == len(whole) else "pairs lack this phase")
            _read_phase(
                found,
                Context(target, stretch, phases, rows, measured.pairs_planned, measured.fidelity_ms, reason),
            )


def _phases(whole: Mapping[int, Pair], stretch: Stretch) -> dict[int, tuple[Phase, Phase]]:
    both = {row: (pair.base.phases.get(stretch), pair.head.phases.get(stretch)) for row, pair in whole.items()}
    return {row: (base, head) for row, (base, head) in both.items() if base is not None and head is not None}


def _read_phase(found: Found, context: Context) -> None:
    if not context.invalid and context.clock_is_invalid:
        series = Series("generator", context.place())
        found.exact.append(Exact(series, Verdict.INVALID, context.clock_is_invalid, pairs=len(context.timely)))
    found.add(phase_columns(context, flattery(context, ALL_ROUTES)))
    base, head = (_routes(context, side) for side in (0, 1))
    found.appeared += [context.place(route).name for route in sorted(head - base)]
    found.went += [context.place(route).name for route in sorted(base - head)]
    for route in sorted(base & head):
        flattered = flattery(context, route)
        found.add(error_columns(context, route))
        found.add(count_rows(context, route, flattered))
        if context.kind is PhaseKind.SATURATING:
            continue  # latency is queueing there
        found.add(latency_columns(context, route, flattered))
        found.left_out += left_out(context, route)


def _routes(context: Context, side: int) -> set[str]:
    phases = [sides[side] for sides in context.phases.values()]
    return {route for phase in phases for route, observed in phase.routes.items() if observed.requests > 0}
