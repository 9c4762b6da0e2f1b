"""The ladder: what is offered against latency, throughput, refusals and connections checked out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reports.charts import values
from reports.charts.templates import template
from reports.charts.theme import Spec
from reports.summary import Exhaustion

# Tokens of the template.
OFFERED, STEPS, RANGE = "@offered", "@steps", "@range"


@dataclass(frozen=True, slots=True)
class Panel:
    """One chart of the ladder: the field that it shows, and its titles."""

    key: str
    field: str
    title: str
    says: str
    logarithmic: bool = False


PANELS = (
    Panel("latency", "p50", "latency of successes, p50 (ms, log)", "median latency of successes", True),
    Panel("throughput", "rate", "successes (1/s)", "successful requests per second"),
    Panel("refusals", "lost", "refused and failed (%)", "share of requests refused or failed"),
    Panel("checked-out", "out", "most checked out (connections)", "largest number of connections checked out"),
)
_ASIDE = 0.011
"""How far apart the targets of one step are drawn, as a share of the axis."""


def exhaustion_charts(ladders: Mapping[str, Exhaustion], threads: int | None = None) -> dict[str, Spec]:
    """Target -> ladder; gives panel (`latency`, `throughput`, `refusals`, `checked-out`) -> specification.

    Targets are drawn a little side by side, since equal pools give equal figures. The step at which a target's
    exhaustion began is drawn larger, with a thin rule under it. `threads` is the size of the thread pool in which
    synchronous targets answer, where one is known: with more users than that some wait for a thread. It is drawn
    on a ladder of users only.
    """
    widest = max((step.offered for ladder in ladders.values() for step in ladder.steps), default=1)
    drawn_rows = [
        row
        for number, (target, ladder) in enumerate(ladders.items())
        for row in _rows(target, ladder, aside=(number - (len(ladders) - 1) / 2) * _ASIDE * widest)
    ]
    return {panel.key: _panel(panel, drawn_rows, ladders, threads) for panel in PANELS}


def _rows(target: str, ladder: Exhaustion, aside: float) -> list[dict[str, object]]:
    return [
        {
            "target": target,
            "offered": step.offered,
            "place": step.offered + aside,
            "p50": step.success.p50_ms,
            "rate": step.completed_per_s,
            "lost": 100 * lost / total if (total := step.success.count + lost) else None,
            "out": step.checked_out_max,
            "onset": step.phase == ladder.onset_phase,
        }
        for step in ladder.steps
        for lost in (step.refused + step.failed,)
    ]


def _panel(
    panel: Panel, drawn_rows: Sequence[values.Row], ladders: Mapping[str, Exhaustion], threads: int | None
) -> Spec:
    known = [row for row in drawn_rows if row[panel.field] is not None]
    steps = sorted({row["offered"] for row in drawn_rows})
    highest = max(steps, default=1)
    closed = all(ladder.offered_in == "users" for ladder in ladders.values())
    offered = "users at once" if closed else "requests offered (1/s)"
    tokens: dict[str, values.Value] = {**values.looks(ladders), OFFERED: offered, STEPS: steps}
    tokens[RANGE] = (0, highest * 1.05)
    if panel.logarithmic:
        domain = values.log_domain(row[panel.field] for row in known)
        tokens |= {values.DOMAIN: domain, values.TICKS: values.log_ticks(domain)}
    spec = values.filled(template("exhaustion")[panel.key], tokens)
    datasets = {"rows": list(map(values.shortened, known))}
    if panel.key == "checked-out":
        limits = sorted({ladder.limit for ladder in ladders.values() if ladder.limit is not None})
        datasets["limits"] = [{"limit": limit, "label": f"limit {limit}"} for limit in limits]
    if closed and threads is not None and threads < highest:
        datasets["threads"] = [{"place": threads, "label": f"{threads} threads"}]
    layers = [layer for layer in spec["layer"] if layer["data"]["name"] in datasets]
    described = f"{panel.says.capitalize()} over {offered}, per target."
    return {**spec, "layer": layers, "datasets": datasets, "description": described}
