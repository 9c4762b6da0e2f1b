"""Median latency over injected latency: the slope is the number of round trips in a row."""

from __future__ import annotations

from collections.abc import Mapping

from reports.charts import values
from reports.charts.templates import template
from reports.charts.theme import Spec
from reports.summary import RoundTrips

_ASIDE = 0.006
"""How far apart the targets' points of one latency are drawn, as a share of the axis."""


def round_trips_chart(operation: str, found: Mapping[str, RoundTrips]) -> Spec:
    """Target -> its round trips of one operation: points and the fitted line. Width is the container's."""
    widest = max((point.latency_ms for trips in found.values() for point in trips.points), default=1.0) or 1.0
    points = [
        {
            "target": target,
            "place": point.latency_ms + (number - (len(found) - 1) / 2) * _ASIDE * widest,
            "latency": point.latency_ms,
            "p50": point.p50_ms,
            "requests": point.requests,
            "repetition": point.repetition,
        }
        for number, (target, trips) in enumerate(found.items())
        for point in trips.points
    ]
    lines = [
        {"target": target, "latency": latency, "p50": trips.intercept_ms + trips.slope * latency}
        for target, trips in found.items()
        for latency in (0.0, widest)
    ]
    tokens = {
        **values.looks(found),
        values.DOMAIN: (-0.03 * widest, 1.03 * widest),
        values.TICKS: sorted({point.latency_ms for trips in found.values() for point in trips.points}),
    }
    return {
        **values.filled(template("round_trips"), tokens),
        "datasets": {"lines": list(map(values.shortened, lines)), "points": list(map(values.shortened, points))},
        "description": f"{operation}: median latency over injected latency per target, with the fitted line; the "
        "slope is the number of sequential round trips to the database.",
    }
