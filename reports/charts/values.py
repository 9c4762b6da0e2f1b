"""What charts put into their specifications: rows, domains, ticks and looks. Needs no Altair."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from reports.charts.theme import Spec, target_colours, target_shapes

Row = Mapping[str, Any]
Value = str | float | Sequence[float] | Sequence[str]

# Tokens of the templates; a single one in a list stands for the whole list.
PHASES, TARGETS, COLOURS, SHAPES = "@phases", "@targets", "@colours", "@shapes"
DOMAIN, TICKS = "@domain", "@ticks"

_COARSE_TICKS_MS = [m * 10.0**e for e in range(-2, 6) for m in (1, 3)]
_FINE_TICKS_MS = [m * 10.0**e for e in range(-2, 6) for m in (1, 2, 3, 5, 7)]
COUNT_TICKS = [0, 1, 3, 10, 30, 100, 300, 1000, 3000, 10000]


def looks(targets: Iterable[str]) -> dict[str, Value]:
    """What the tokens of the targets stand for: their names, colours and shapes."""
    names = list(targets)
    return {
        TARGETS: names,
        COLOURS: list(target_colours(names).values()),
        SHAPES: list(target_shapes(names).values()),
    }


def short(value: object) -> object:
    """A float in four significant digits: what a pixel can show, in half the bytes."""
    return float(f"{value:.4g}") if isinstance(value, float) else value


def shortened(row: Row) -> dict[str, object]:
    """A row of data with its floats cut short; None and whole numbers are kept as they are."""
    return {key: short(value) for key, value in row.items()}


def rows_height_px(phases: int, targets: int) -> int:
    """Height of a chart with a row for each phase and target."""
    return phases * (targets * max(9, 15 - targets) + 10)


def log_domain(values: Iterable[float | None]) -> tuple[float, float]:
    """A domain in milliseconds for a logarithmic axis that holds all values with a little air."""
    known = [value for value in values if value is not None and value > 0]
    if not known:
        return 1.0, 1000.0
    low, high = min(known) / 1.3, max(known) * 1.3
    return (low, high) if high / low >= 10 else (low / 2, high * 2)


def log_ticks(domain: tuple[float, float]) -> list[float]:
    """Round ticks for a logarithmic axis of milliseconds: two a decade, or five where it is short."""
    ticks = _FINE_TICKS_MS if domain[1] / domain[0] < 50 else _COARSE_TICKS_MS
    return [tick for tick in ticks if domain[0] <= tick <= domain[1]]


def filled(spec: Spec, values: Mapping[str, Value]) -> Spec:
    """A copy of a template with its tokens replaced: `"@x"` by a scalar, `["@x"]` by a list."""

    def fill(node: Any) -> Any:
        match node:
            case dict():
                return {name: fill(inner) for name, inner in node.items()}
            case [str(token)] if token in values and not isinstance(values[token], str | float | int):
                return list(values[token])  # type: ignore[arg-type]
            case list():
                return [fill(inner) for inner in node]
            case str() if node in values:
                return values[node]
            case _:
                return node

    copy: Spec = fill(spec)
    return copy
