"""How the sides of a gate differ, beside their revisions: pools, variables, commands, drivers. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from harness.records import GateSide, Manifest, Side, TargetInfo
from reports.summary.figures import Result

MOST_TOLD = 8
NOT_SET = "not set"


class Difference(Result):
    """What a setting, a variable or the like is on each side, in words; secrets are hidden."""

    name: str
    base: str
    head: str


def differences(manifest: Manifest) -> tuple[Difference, ...]:
    """In the order in which settings and variables stand in the record."""
    sides = {info.place.side: info for info in manifest.targets if info.place is not None}
    if not {Side.BASE, Side.HEAD} <= sides.keys():
        return ()
    base, head = _facts(sides[Side.BASE]), _facts(sides[Side.HEAD])
    return tuple(
        Difference(name=name, base=base.get(name, NOT_SET), head=head.get(name, NOT_SET))
        for name in {**base, **head}
        if base.get(name, NOT_SET) != head.get(name, NOT_SET)
    )


def _facts(info: TargetInfo) -> dict[str, str]:
    settings = {name: NOT_SET if value is None else str(value) for name, value in info.settings.items()}
    return {"driver": info.driver or NOT_SET, **settings, **info.given}


def side_text(side: GateSide) -> str:
    """Such as `sync-pool` or `shop at 1a2b3c4 (Fewer statements)`."""
    at = f" at {side.revision[:10]}" if side.revision else ""
    far = f", its database {side.link_latency_ms} ms away" if side.link_latency_ms else ""
    return f"{side.name}{at}{f' ({side.says})' if side.says else ''}{far}"


def difference_lines(base: GateSide, head: GateSide, found: tuple[Difference, ...]) -> Iterator[str]:
    """A line for the header, of at most so many; that nothing differs is told, too."""
    if found:
        listed = ", ".join(f"{one.name} ({one.base} / {one.head})" for one in found[:MOST_TOLD])
        more = f" and {len(found) - MOST_TOLD} more" if len(found) > MOST_TOLD else ""
        yield f"they differ (base / head) in {listed}{more}"
    elif base == head:
        yield "nothing differs between them: what is found is noise (A/A)"
