"""Errors and crashes: their share as a mean, and whether there were any as a sign test."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.stats import binomtest

from reports.gate import limits
from reports.gate.columns import Column, Paired, Scale, Series, column
from reports.gate.context import Context, known
from reports.gate.model import ALL_ROUTES, Observed, PhaseKind


def error_columns(context: Context, route: str) -> Iterator[Column]:
    """The share of errors, and where none is expected whether a pair had any; nothing where a phase saturates."""
    if context.kind is PhaseKind.SATURATING:
        return
    shares = context.of_route(route, error_share, clock=False)
    mean = float(np.mean(known(shares))) if known(shares) else 0.0
    floor, limit = (
        max(plain, relative * mean)
        for plain, relative in zip(limits.ERROR_SHARE, limits.ERROR_SHARE_OF_MEAN, strict=True)
    )
    made = column(
        Series("error-share", context.place(route)), shares, context.rows, lambda a, b: b - a,
        floor=floor, limit=limit, scale=Scale.DIFFERENCE, unit="of requests", invalid=context.invalid,
    )  # fmt: skip
    if made is not None:
        yield made
    if context.kind is PhaseKind.STEADY and route == ALL_ROUTES:
        any_errors = context.of_route(route, lambda one: float(one.errors > 0), clock=False)
        rare = rare_events(Series("errors", context.place(route)), any_errors, context.rows, context.invalid)
        if rare is not None:
            yield rare


def error_share(observed: Observed) -> float | None:
    """Of all requests; None without any."""
    return observed.errors / observed.requests if observed.requests else None


def flattery(context: Context, route: str) -> str:
    """Why an improvement of this route is none: head fails more often, and what fails is not served."""
    shares = known(context.of_route(route, error_share, clock=False))
    more = float(np.mean([head - base for base, head in shares])) if shares else 0.0
    return f"head fails {more:.2%} of requests more" if more >= limits.ERRORS_THAT_FLATTER else ""


def rare_events(series: Series, any_of: Paired, rows: int, invalid: str) -> Column | None:
    """1 and 0 by pair and side -> 1, 0 or -1: to flip these is the sign test over pairs of one side alone.

    A pass is what points to head less than one coin in twenty would; it rules nothing out, so it has no limit.
    """
    alone = [head - base for base, head in known(any_of) if head != base]
    of_head = sum(one > 0 for one in alone)
    suspect = bool(alone) and binomtest(of_head, len(alone), alternative="greater").pvalue <= limits.RARE_HINT
    return column(
        series, any_of, rows, lambda a, b: b - a, floor=0.0, limit=None, scale=Scale.DIFFERENCE,
        unit="of pairs", harmless=not suspect, invalid=invalid,
    )  # fmt: skip
