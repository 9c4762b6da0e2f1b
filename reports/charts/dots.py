"""Latency of the targets side by side: p50 to p90, to p99 where known, and the worst, per phase."""

from __future__ import annotations

from collections.abc import Sequence

from reports.charts import values
from reports.charts.templates import template
from reports.charts.theme import Spec
from reports.summary import Latency, Spread

DotRow = tuple[str, str, Latency, Spread | None]
"""Phase, target, latency of its successes, interval of their p50 over the repetitions."""

_INTERVAL_LAYERS = 3


def dots_chart(rows: Sequence[DotRow], targets: Sequence[str]) -> Spec:
    """One row per phase and target, on one logarithmic axis of milliseconds. Width is the container's."""
    phases = list(dict.fromkeys(phase for phase, *_ in rows))
    drawn = [_row(*row) for row in rows if row[2].p50_ms is not None]
    domain = values.log_domain(row[key] for row in drawn for key in ("p50", "max", "low", "high"))  # type: ignore[misc]
    spec = values.filled(
        template("dots"),
        {
            **values.looks(targets),
            values.PHASES: phases,
            values.DOMAIN: domain,
            values.TICKS: values.log_ticks(domain),
        },
    )
    if all(row["low"] is None for row in drawn):
        del spec["layer"][-_INTERVAL_LAYERS:]
    return {
        **spec,
        "height": values.rows_height_px(len(phases), len(targets)),
        "datasets": {"rows": list(map(values.shortened, drawn))},
    }


def _row(phase: str, target: str, latency: Latency, interval: Spread | None) -> dict[str, object]:
    p50 = latency.p50_ms
    return {
        "phase": phase,
        "target": target,
        "p50": p50,
        "p90": p50 if latency.p90_ms is None else latency.p90_ms,
        "p99": latency.p99_ms,
        "max": p50 if latency.max_ms is None else latency.max_ms,
        "requests": latency.count,
        "low": interval.low if interval else None,
        "high": interval.high if interval else None,
    }
