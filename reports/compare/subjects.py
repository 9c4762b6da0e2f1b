"""What a run's targets are, beside what they are called there: a gate calls its two `base` and `head`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from harness.records import Manifest, Side, TargetInfo
from reports.compare.circumstances import Value
from reports.summary import Summary


@dataclass(frozen=True, slots=True)
class Called:
    """A target as a comparison calls it, and what is known of it beside its settings."""

    name: str
    facts: Mapping[str, Value]


def subjects_of(manifest: Manifest) -> dict[str, Called]:
    """By the names that the run has for them. Both sides of a gate may be the same thing: then the second is
    `<name> (head)`.
    """
    gate = manifest.gate
    sides = {info.place.side: info for info in manifest.targets if info.place is not None}
    if gate is None or not {Side.BASE, Side.HEAD} <= sides.keys():
        return {info.name: Called(info.name, info.given) for info in manifest.targets}
    base, head = sides[Side.BASE], sides[Side.HEAD]
    names = (gate.base.name, gate.head.name if gate.head.name != gate.base.name else f"{gate.head.name} (head)")
    return {
        info.name: Called(
            name, {**info.given, "revision": side.revision, "link latency in ms": side.link_latency_ms or None}
        )
        for info, name, side in zip((base, head), names, (gate.base, gate.head), strict=True)
    }


def twins_of(manifest: Manifest) -> Iterator[tuple[TargetInfo, TargetInfo]]:
    """Targets that are the same thing twice, by their order: A/A twins, and a gate of something against itself."""
    by_name = {info.name: info for info in manifest.targets}
    for info in manifest.targets:
        if info.repeats in by_name:
            yield by_name[info.repeats], info
    gate = manifest.gate
    sides = {info.place.side: info for info in manifest.targets if info.place is not None}
    if gate is not None and gate.base == gate.head and {Side.BASE, Side.HEAD} <= sides.keys():
        base, head = sides[Side.BASE], sides[Side.HEAD]
        if (base.settings, base.given) == (head.settings, head.given):
            yield base, head


def renamed(summary: Summary, names: Mapping[str, str]) -> Summary:
    """The summary with its targets called otherwise, as far as a comparison reads it."""
    run = summary.run.model_copy(
        update={"targets": {names.get(name, name): teaches for name, teaches in summary.run.targets.items()}}
    )
    scenarios = tuple(
        scenario.model_copy(
            update={
                "targets": tuple(
                    target.model_copy(update={"target": names.get(target.target, target.target)})
                    for target in scenario.targets
                )
            }
        )
        for scenario in summary.scenarios
    )
    return summary.model_copy(update={"run": run, "scenarios": scenarios})
