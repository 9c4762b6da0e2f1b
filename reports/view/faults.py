"""What each fault did: all its windows together, and each injection."""

from __future__ import annotations

from reports.summary import FaultSummary, FaultWindow, ScenarioResult
from reports.view.numbers import figure, percent
from reports.view.pieces import whole_number
from reports.view.table import TARGET, Cell, Column, Table, table

_FAULT = Column("fault", "fault", "Fault", "group")
_INSIDE = (
    Column("sent", "sent inside", "Sent inside"),
    Column("answered", "answered inside", "Answered inside"),
)
FAULTS = ("fault", "target", "sent", "answered", "errors", "p50", "recovery")
"""What text shows of all windows together."""
_LATENCIES = (
    Column("p50", "p50 ms", "Success p50|ms"),
    Column("failure", "failure p50 ms", "Failure p50|ms"),
    Column("recovery", "recovery ms", "Recovery|ms"),
)


def fault_table(scenario: ScenarioResult) -> Table | None:
    """A row for each fault and target, repetitions together; None for a scenario without faults."""
    found = [(target.target, fault) for target in scenario.targets for fault in target.fault_summaries]
    columns = (_FAULT, TARGET, *_INSIDE, Column("errors", "errors %", "Errors|%"), *_LATENCIES)
    rows = ({"target": name, **_fault(fault)} for name, fault in found)
    return table(columns, rows).grouped("fault") if found else None


def _fault(fault: FaultSummary) -> dict[str, Cell | str]:
    return {
        "fault": f"{fault.kind} in {fault.phase}",
        "sent": whole_number(fault.requests),
        "answered": whole_number(fault.answered_inside),
        "errors": percent(fault.error_share),
        "p50": figure(fault.success.p50_ms),
        "failure": figure(fault.failure.p50_ms),
        "recovery": _recovery(fault),
    }


def _recovery(fault: FaultSummary) -> Cell:
    """Median, fastest and slowest, such as `95.0 (80.1–101)`; how often none was seen."""
    never = fault.windows - fault.recovered
    if never:
        return Cell(f"none seen ({never} of {fault.windows})", tone="bad")
    if fault.windows == 1:
        return Cell(figure(fault.recovery_median_ms))
    around = f"{figure(fault.recovery_min_ms)}–{figure(fault.recovery_max_ms)}"
    return Cell(figure(fault.recovery_median_ms), around)


def window_table(scenario: ScenarioResult, *, several: bool) -> Table | None:
    """A row for each injection, with its planned and real times; `several`: with its repetition."""
    found = [(target.target, window) for target in scenario.targets for window in target.faults]
    columns = (
        _FAULT,
        TARGET,
        *([Column("repetition", "repetition", "Rep.")] if several else []),
        Column("planned", "planned s", "Planned|s"),
        Column("injected", "injected s", "Injected|s (late by ms)"),
        Column("healed", "healed s", "Healed|s (late by ms)"),
        *_INSIDE,
        Column("succeeded", "succeeded %", "Succeeded|%"),
        *_LATENCIES,
    )
    rows = ({"target": name, **_window(window)} for name, window in found)
    return table(columns, rows).grouped("fault") if found else None


def _window(window: FaultWindow) -> dict[str, Cell | str]:
    ended = window.success.count + window.failure.count
    healed = "never"
    if window.heal_done_s is not None:
        healed = f"{window.heal_done_s:.2f} ({figure(window.heal_late_ms)})"
    return {
        "fault": f"{window.kind} in {window.phase}",
        "repetition": str(window.repetition),
        "planned": f"{window.planned_s:.2f}",
        "injected": f"{window.inject_done_s:.2f} ({figure(window.inject_late_ms)})",
        "healed": healed,
        "sent": whole_number(window.requests),
        "answered": whole_number(window.answered_inside),
        "succeeded": percent(window.success.count / ended if ended else None),
        "p50": figure(window.success.p50_ms),
        "failure": figure(window.failure.p50_ms),
        "recovery": Cell("not seen", tone="bad") if window.recovery_ms is None else figure(window.recovery_ms),
    }
