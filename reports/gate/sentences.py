"""A ruling in plain English."""

from __future__ import annotations

import math

from reports.gate.columns import Column, Scale
from reports.gate.ruling import Ruling
from reports.gate.verdicts import Verdict

_WORSE = {"throughput": ("lower", "higher"), "exhaustion-onset": ("earlier", "later")}
_FALLS = ("less", "lower")
_SLOW = ("p50", "p90", "p99", "p50-of-all", "p99-of-all", "recovery")


def sentence(one: Ruling) -> str:
    """What was seen, between what bounds, and what follows."""
    if one.column.limit is None:
        return _without_limit(one)
    said = change(one.column, one.effect) + between(one.column, one.low, one.high)
    return f"{said}; {_what_follows(one, one.column.limit)}"


def _what_follows(one: Ruling, limit: float) -> str:
    column = one.column
    if one.verdict is Verdict.REGRESSED:
        return f"by chance once in {_odds(one.p_worse)} runs"
    if one.verdict is Verdict.IMPROVED:
        return f"by chance once in {_odds(one.p_better)} runs"
    if one.verdict is Verdict.PASS:
        told = f"; no improvement, since {column.flattered}" if column.flattered and one.effect < 0 else ""
        return f"{amount(column, limit)} worse is ruled out{told}"
    if column.hindrance:
        return column.hindrance
    least = "nothing" if one.smallest is None else f"{amount(column, one.smallest)} or more"
    return f"{amount(column, limit)} worse is not ruled out, and this run would have found {least}"


def _without_limit(one: Ruling) -> str:
    column = one.column
    if column.series.metric == "generator-lag":
        kept = (
            "kept its time in each pair" if column.harmless else "was late in some pairs in which base's was not"
        )
        return f"head's generator {kept}; {change(column, one.effect)} on average"
    of_head = int((column.values > 0).sum())
    of_base = int((column.values < 0).sum())
    said = f"{column.series.metric} in head alone in {of_head} pairs, in base alone in {of_base}, of {one.pairs}"
    return f"{said}; by chance once in {_odds(one.p_worse)} runs" if one.verdict is Verdict.REGRESSED else said


def change(column: Column, effect: float) -> str:
    """`12.3 % slower`, `0.4 points lower`, `equal`."""
    words = _WORSE.get(
        column.series.metric, ("slower", "faster") if column.series.metric in _SLOW else ("more", "less")
    )
    word = words[0] if effect > 0 else words[1]
    said = _size(column, abs(effect), word)
    return "equal" if said.startswith("0 ") else f"{said} {word}"


def _size(column: Column, effect: float, word: str) -> str:
    """As a reader takes it: what halves is 50 % less, and what comes out of nothing is so many a request more."""
    if column.scale is Scale.LOG_RATIO and word in _FALLS:
        return f"{_short(-100 * math.expm1(-effect))} %"
    if column.scale is Scale.RELATIVE and column.base is not None and column.head is not None:
        return f"{_short(effect * (column.base + column.head) / 2)} {column.unit}"
    return amount(column, effect)


def amount(column: Column, effect: float) -> str:
    """The size of an effect with its unit. A ratio is told as how much more the worse side has of it."""
    match column.scale:
        case Scale.LOG_RATIO:
            return f"{_short(100 * math.expm1(min(effect, 50.0)))} %"
        case Scale.RELATIVE:
            return f"{_short(100 * effect)} %"
    if column.series.metric == "error-share":
        return f"{_short(100 * effect)} percentage points"
    return f"{_short(effect)} {column.unit}"


def between(column: Column, low: float, high: float) -> str:
    """Both ends in brackets, after a blank; empty where an end is not known or both are the same."""
    if not (math.isfinite(low) and math.isfinite(high)) or low == high:
        return ""
    return f" (between {change(column, low)} and {change(column, high)})"


def _short(value: float) -> str:
    return f"{value:.2g}" if abs(value) < 10 else f"{value:.0f}"


def _odds(p: float) -> str:
    return f"{round(1 / p):,}" if p > 0 else "very many"
