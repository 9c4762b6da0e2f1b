"""Run -> Measured: what a gate's folder holds, side by side, as the test takes it. Pure."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping

from harness.errors import RunDirectoryError
from harness.records import HostReading, Side
from reports.analysis.limits import limit_results
from reports.analysis.validity import proves_faults
from reports.gate.context import is_whole, was_late
from reports.gate.limits import FEWEST_OF_ALL_FOR_P99
from reports.gate.model import Limited, Measured, Pair, Slot
from reports.gate.seeing import Lost, Seen, Told, Usable, breaches_of, phases_of, see
from reports.read import Run
from scenarios.limits import Limits

FIDELITY_MS = 0.3
"""What poolstorm's own p50 may be off by (docs/measurement.md)."""


def measured(run: Run) -> Measured:
    """All pairs of a gate. Raises RunDirectoryError for a run that is none."""
    gate = run.manifest.gate
    if gate is None:
        raise RunDirectoryError(f"{run.path} is no gate's folder; name one that `poolstorm gate` wrote")
    proves = proves_faults(run.trials)
    trials = {trial.record.spec.id: trial for trial in run.trials}
    scenarios = {scenario.name: scenario for scenario in run.manifest.scenarios}
    sides = {info.name: info.place.side for info in run.manifest.targets if info.place is not None}
    titles = {info.place.side: info.title for info in run.manifest.targets if info.place is not None}
    seen: dict[tuple[int, Side], list[Seen]] = defaultdict(list)
    for spec in run.manifest.trials:
        side = sides.get(spec.target)
        if side in (Side.BASE, Side.HEAD):
            seen[spec.repetition, side].append(see(spec, trials.get(spec.id), scenarios[spec.scenario], proves))
    told = _enough_for_p99(seen)
    configuration = hashlib.sha256(repr(run.manifest.scenarios).encode()).hexdigest()
    pairs = sorted({number for number, _ in seen})
    return Measured(
        pairs_planned=gate.pairs[min(gate.look, len(gate.pairs)) - 1],
        pairs=tuple(
            Pair(
                number=number,
                target=titles[Side.HEAD],
                base=_slot(seen[number, Side.BASE], seen[number, Side.HEAD], configuration, told),
                head=_slot(seen[number, Side.HEAD], seen[number, Side.BASE], configuration, told),
            )
            for number in pairs
        ),
        seed=run.manifest.seed,
        fidelity_ms=FIDELITY_MS,
        broken_before=gate.broken_before,
        head=gate.head.name,
        limits=tuple(
            limited
            for scenario, limits in run.manifest.limits.items()
            for limited in _limited(titles[Side.HEAD], scenario, limits, seen)
        ),
    )


def _limited(
    target: str, scenario: str, limits: Limits, seen: Mapping[tuple[int, Side], list[Seen]]
) -> Iterator[Limited]:
    """Each limit, of all trials of a side together; late ones are left out where times are asked."""
    sides = []
    for wanted in (Side.BASE, Side.HEAD):
        usable = [
            one
            for (_, side), trials in seen.items()
            for one in trials
            if side is wanted and isinstance(one, Usable) and one.spec.scenario == scenario
        ]
        timely = [one.observed for one in usable if not one.was_late]
        sides.append(limit_results(limits, [one.observed for one in usable], timely))
    for base, head in zip(*sides, strict=True):
        yield Limited(target, scenario, base, head)


def usable_pairs(seen: Measured) -> int:
    """Those with both sides, whose times can be used."""
    return sum(is_whole(pair) and not any(map(was_late, pair.base.phases.values())) for pair in seen.pairs)


def _enough_for_p99(seen: Mapping[tuple[int, Side], list[Seen]]) -> Told:
    totals: Counter[tuple[Side, str, str, str]] = Counter()
    for (_, side), trials in seen.items():
        for one in trials:
            if isinstance(one, Usable):
                for (phase, operation), fold in one.observed.fold.phases.items():
                    totals[side, one.spec.scenario, phase, operation] += fold.success.total
    enough = {key for key, total in totals.items() if total >= FEWEST_OF_ALL_FOR_P99}
    return frozenset(
        (scenario, phase, operation)
        for side, scenario, phase, operation in enough
        if side is Side.BASE and (Side.HEAD, scenario, phase, operation) in enough
    )


def _slot(own: list[Seen], other: list[Seen], configuration: str, told: Told) -> Slot:
    """One side of a pair, over all its scenarios."""
    usable = [one for one in own if isinstance(one, Usable)]
    lost = [one for one in own if isinstance(one, Lost)]
    first = min(one.spec.index for one in (*own, *other))
    return Slot(
        configuration=configuration,
        position=int(all(one.spec.index != first for one in own)),
        steal_share=_steal_share(usable),
        phases={
            stretch: phase
            for one in usable
            for stretch, phase in phases_of(one.observed, told, climbed=one.climbed, late=one.was_late)
        },
        breaches=(
            *(breach for one in usable for breach in breaches_of(one)),
            *(breach for one in lost for breach in one.breaches),
        ),
        crashed=any(one.crashed for one in lost),
        lost="; ".join(dict.fromkeys(one.reason for one in lost)),
    )


def _steal_share(usable: list[Usable]) -> float | None:
    percents = [reading.steal_percent for one in usable for reading in one.observed.trial.readings_of(HostReading)]
    return sum(percents) / len(percents) / 100 if percents else None
