"""Two runs side by side: how far the median moved, per phase and target."""

from __future__ import annotations

from collections.abc import Sequence

from reports.charts import values
from reports.charts.templates import template
from reports.charts.theme import Spec

MovedRow = tuple[str, str, float, float]
"""Phase, target, p50 of run A, p50 of run B, in milliseconds."""


def compared_chart(rows: Sequence[MovedRow], targets: Sequence[str]) -> Spec:
    """One row per phase and target: hollow where A was, filled where B is. Width is the container's."""
    phases = list(dict.fromkeys(phase for phase, *_ in rows))
    domain = values.log_domain(value for row in rows for value in row[2:])
    ticks = values.log_ticks(domain)
    tokens = {**values.looks(targets), values.PHASES: phases, values.DOMAIN: domain, values.TICKS: ticks}
    drawn = [{"phase": phase, "target": target, "a": a, "b": b} for phase, target, a, b in rows]
    return {
        **values.filled(template("compared"), tokens),
        "height": values.rows_height_px(len(phases), len(targets)),
        "datasets": {"rows": list(map(values.shortened, drawn))},
    }
