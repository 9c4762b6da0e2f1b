"""Where exhaustion began, and every step of the ladder; round trips, the slope of a ladder of latencies."""

from __future__ import annotations

from collections.abc import Iterator

from reports.summary import Exhaustion, LadderStep, RoundTrips, ScenarioResult
from reports.view.numbers import DASH, figure, percent, plural
from reports.view.pieces import amount, whole_number
from reports.view.table import TARGET, Cell, Column, Table, table
from reports.wording import seconds

LADDER = ("target", "limit", "out", "onset", "best", "before", "top", "errors")
ROUND_TRIPS = ("target", "operation", "trips", "interval", "none")
"""What text shows of the two tables."""


def ladders(scenario: ScenarioResult) -> list[tuple[str, Exhaustion]]:
    """Each target that climbed the ladder, with what it met."""
    return [(t.target, t.exhaustion) for t in scenario.targets if t.exhaustion is not None and t.exhaustion.steps]


def ladder_table(scenario: ScenarioResult) -> Table:
    """A row for each target: where exhaustion began and what the pool showed."""
    found = ladders(scenario)
    closed = all(ladder.offered_in == "users" for _, ladder in found)
    columns = (
        TARGET,
        Column("limit", "limit"),
        Column("out", "most out"),
        Column("onset", "onset users" if closed else "onset /s"),
        Column("began", "began", "Began", "word"),
        Column("lost", "lost at that step %", "Lost at that step|%"),
        Column("out-of", "most checked out", "Most checked out"),
        Column("best", "best ok/s"),
        Column("best-with", "best ok/s", "Most successes|1/s"),
        Column("last", "ok/s at the last step", "At the last step|1/s"),
        Column("before", "p50 ms before"),
        Column("top", "p50 ms at top"),
        Column("errors", "errors % at top"),
    )
    return table(columns, ({"target": name, **_figures(ladder), **_words(ladder)} for name, ladder in found))


def _figures(ladder: Exhaustion) -> dict[str, Cell | str]:
    names = [step.phase for step in ladder.steps]
    onset = names.index(ladder.onset_phase) if ladder.onset_phase in names else len(names)
    before = ladder.steps[onset - 1].success if onset else None
    top = ladder.steps[-1]
    return {
        "limit": "none" if ladder.limit is None else str(ladder.limit),
        "out": DASH if ladder.checked_out_max is None else str(ladder.checked_out_max),
        "onset": "none" if ladder.onset_offered is None else f"{ladder.onset_offered:g}",
        "best": figure(max(step.completed_per_s for step in ladder.steps)),
        "before": figure(before.p50_ms if before else None),
        "top": figure(top.success.p50_ms),
        "errors": percent(_lost(top)),
    }


def _words(ladder: Exhaustion) -> dict[str, Cell | str]:
    last = ladder.steps[-1]
    best = max(ladder.steps, key=lambda step: step.completed_per_s)
    onset = next((step for step in ladder.steps if step.phase == ladder.onset_phase), None)
    began = f"neither refusals nor failures up to {ladder.said(last.offered)}"
    if onset is not None:
        began = f"{ladder.onset_sign} from {ladder.said(onset.offered)}"
    most = "an unknown number" if ladder.checked_out_max is None else str(ladder.checked_out_max)
    return {
        "began": began,
        "lost": percent(None if onset is None else _lost(onset)),
        "out-of": f"{most} of {ladder.limit}" if ladder.limit else f"{most}, no limit",
        "best-with": f"{figure(best.completed_per_s)} with {ladder.said(best.offered)}",
        "last": figure(last.completed_per_s),
    }


def _lost(step: LadderStep) -> float | None:
    lost = step.refused + step.failed
    return lost / (lost + step.success.count) if lost + step.success.count else None


def exhaustion_lines(scenario: ScenarioResult) -> Iterator[str]:
    """Where exhaustion began, a sentence for each target."""
    for name, ladder in ladders(scenario):
        if ladder.onset_offered is None:
            text = f"no refusals or failures up to {ladder.said(ladder.steps[-1].offered)}"
            if waiting := sum(step.given_up for step in ladder.steps):
                text += f", but {waiting:,} requests had no answer yet when the load ended"
        else:
            text = f"{ladder.onset_sign} from {ladder.said(ladder.onset_offered)} on"
        if ladder.checked_out_max is not None:
            of_limit = "" if ladder.limit is None else f" of {ladder.limit}"
            text += f"; at most {ladder.checked_out_max}{of_limit} connections out"
        if ladder.short_of is not None:
            text += f", of which PostgreSQL had at most {ladder.short_of} sessions"
        if ladder.saturation_offered is not None:
            text += f"; throughput gains less than 5 % from {ladder.said(ladder.saturation_offered)} on"
        yield f"{name}: {text}."


def step_table(scenario: ScenarioResult) -> Table:
    """Every step of every target's ladder."""
    found = ladders(scenario)
    unit = "requests/s" if any(ladder.offered_in == "per_s" for _, ladder in found) else "users"
    columns = (
        Column("offered", unit),
        Column("step", "offered", "Offered", "group"),
        TARGET,
        Column("ok", "ok/s", "Successes|1/s"),
        Column("p50", "p50 ms", "p50|ms"),
        Column("p90", "p90 ms", "p90|ms"),
        Column("p99", "p99 ms", "p99|ms"),
        Column("max", "max ms", "max|ms"),
        Column("successes", "successes", "Successes"),
        Column("refused", "refused", "Refused"),
        Column("failed", "failed", "Failed"),
        Column("flight", "most in flight", "Most in flight"),
        Column("out", "most out", "Most checked out"),
    )
    rows = (
        {"offered": f"{step.offered:g}", "step": ladder.said(step.offered), "target": name, **_step(step)}
        for name, ladder in found
        for step in ladder.steps
    )
    return table(columns, rows).grouped("step")


def _step(step: LadderStep) -> dict[str, Cell | str]:
    return {
        "ok": amount(step.completed_per_s, step.intervals.completed_per_s),
        "p50": amount(step.success.p50_ms, step.intervals.p50_ms),
        "p90": amount(step.success.p90_ms, step.intervals.p90_ms),
        "p99": amount(step.success.p99_ms, step.intervals.p99_ms),
        "max": figure(step.success.max_ms),
        "successes": whole_number(step.success.count),
        "refused": whole_number(step.refused),
        "failed": whole_number(step.failed),
        "flight": whole_number(step.in_flight_max),
        "out": whole_number(step.checked_out_max),
    }


def ladder_words(scenario: ScenarioResult) -> str:
    """The phases of a ladder in one sentence, since all but their load is alike."""
    steps = [phase for phase in scenario.phases if not phase.warmup]
    lengths = " or ".join(dict.fromkeys(seconds(phase.duration_s) for phase in steps))
    behaviours = ", ".join(dict.fromkeys(phase.behaviour for phase in steps))
    loads = [phase.load for phase in steps]
    closed = all(load.endswith(" users") for load in loads)
    listed = ", ".join(load.removesuffix(" users") for load in loads) + (" users at once" if closed else "")
    return f"{plural(len(steps), 'step')} of {lengths} s each with {listed} ({behaviours})."


def round_trips_table(scenario: ScenarioResult) -> Table | None:
    """Sequential round trips for each request, with the interval, a row for each target and operation."""
    found = [(target.target, trips) for target in scenario.targets for trips in target.round_trips]
    columns = (
        TARGET,
        Column("operation", "operation", "Operation", "word"),
        Column("trips", "round trips", "Round trips", strong=True),
        Column("interval", "interval", "Interval"),
        Column("none", "p50 ms at 0 ms", "At no latency|ms"),
        Column("points", "points", "Points"),
    )
    rows = ({"target": name, **trips_cells(trips)} for name, trips in found)
    return table(columns, rows) if found else None


def trips_cells(trips: RoundTrips) -> dict[str, Cell | str]:
    """The slope and its interval, and what they rest on."""
    return {
        "operation": trips.operation,
        "trips": figure(trips.slope),
        "interval": f"{figure(trips.low)}–{figure(trips.high)}",
        "none": figure(trips.intercept_ms),
        "points": str(len(trips.points)),
    }
