"""Figures as a reader meets them: three significant digits, a dash for what is not known, no bare NaN."""

from __future__ import annotations

import math

from reports.summary import Ratio, Spread

DASH = "–"


def figure(value: float | None) -> str:
    """Three significant digits without an exponent: `4.10`, `123`, `1230`; a dash for None or not finite."""
    if value is None or not math.isfinite(value):
        return DASH
    if value == 0:
        return "0"
    rounded = float(f"{value:.3g}")
    decimals = max(0, 2 - math.floor(math.log10(abs(rounded))))
    return f"{rounded:.{min(decimals, 6)}f}"


def percent(share: float | None) -> str:
    """A share of 1 in per cent, without the sign. Only all is `100` and only none is `0`."""
    if share is None:
        return DASH
    if 0.999 < share < 1:
        return f"{math.floor(share * 10_000) / 100:.2f}"
    return figure(share * 100) if share < 1 else "100"


def points(change: float | None) -> str:
    """A change of a share in percentage points, always with its sign where there is one."""
    if change is None:
        return DASH
    return f"{'+' if change > 0 else '−' if change < 0 else ''}{figure(abs(change) * 100)}"


def spread(ratio: Ratio | None) -> str:
    """The range of a ratio over its repetitions; empty with one, which has no range."""
    if ratio is None or ratio.repetitions < 2:
        return ""
    return f"{figure(ratio.low)} to {figure(ratio.high)}"


def tiny(value_ms: float | None) -> str:
    """Milliseconds as `figure` gives them, but 0 below a microsecond, which no clock here resolves."""
    return "0" if value_ms is not None and abs(value_ms) < 0.001 else figure(value_ms)


def between(interval: Spread | None, scale: float = 1.0) -> str:
    """An interval as `3.10–4.20`, each end times `scale`; empty where there is none, or its ends read alike."""
    if interval is None:
        return ""
    low, high = figure(interval.low * scale), figure(interval.high * scale)
    return f"{low}–{high}" if low != high else ""


def setting(value: float | str | bool | None) -> str:
    """A setting's value as it would be written down."""
    if value is None:
        return "not set"
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:g}" if isinstance(value, float) else str(value)


def plural(count: int, noun: str) -> str:
    """`1 trial`, `3 trials`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
