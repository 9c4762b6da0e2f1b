"""Markdown for a pull request or a job's summary: the tables open, the details folded."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable

from harness.plain import plain
from reports.compare import Comparison
from reports.formats import Format
from reports.summary import Caveat, Summary
from reports.view import ScenarioView, view_comparison, view_report
from reports.view.compared import CHANGED, COUNTS_COMPARED
from reports.view.costs import PARTS
from reports.view.faults import FAULTS
from reports.view.findings import FindingsView
from reports.view.ladder import LADDER, ROUND_TRIPS
from reports.view.report import PhaseLine
from reports.view.table import Table

_SPECIAL = re.compile(
    r"[\\`*_\[\]<>|#~&$]"
    # else an address becomes a link by itself
    r"|:(?=//)|(?<=www)\."
    r"|^[-+=](?![\d.])",  # else a line becomes an item of a list, or a rule
    re.IGNORECASE,
)
_NUMBERED = re.compile(r"^(\d{1,9})(?=[.)](?:\s|$))")
_AT = re.compile(r"@(?=\w)")
_NO_LINK = "@<!-- -->"
"""An `@` that makes no link to a person and none for mail; a backslash would not do."""


_PHASES = ("phase", "target", "ok", "p50", "p90", "p99", "max", "ratio", "errors", "failure", "together")
_STEPS = ("offered", "ok", "p50", "p99", "max", "refused", "failed", "flight", "out")
_COMPARED = ("p50-a", "p50-b", "p50-ratio", "p99-a", "p99-b", "p99-ratio", "ok-a", "ok-b", "ok-ratio")


def render(summary: Summary) -> str:
    """The summary as GitHub-flavoured Markdown."""
    view = view_report(summary)
    lines = [f"# Pool report: {escape(view.run.run_id)}", ""]
    lines += ["  \n".join(map(escape, (view.title, *view.lines)))]
    lines += _findings(view.findings)
    for scenario in view.scenarios:
        lines += _scenario(scenario)
    if view.differences:
        lines += ["", "## What differs among the targets", "", *_items(view.differences)]
    for scenario in view.scenarios:
        lines += _folded(f"Ledger of {scenario.result.name}", scenario.ledger)
    lines += ["", escape(view.note), *_caveats(view.caveats), *_folded("Environment", view.environment)]
    return "\n".join(lines) + "\n"


def render_comparison(comparison: Comparison) -> str:
    """Two runs side by side as GitHub-flavoured Markdown."""
    view = view_comparison(comparison)
    lines = ["# Two runs compared", "", *_items((*view.titles, *view.basis))]
    if view.verdict:
        lines += ["", "## What changed", "", escape(view.verdict), *_table(view.changes, *CHANGED)]
        if view.more_changes:
            lines += ["", f"and {view.more_changes} more, in each scenario's own table"]
    for scenario in view.scenarios:
        figures = scenario.figures.pick("phase", "target", *_COMPARED, "errors-a", "errors-b")
        lines += ["", f"## {escape(scenario.name)}", *_table(figures)]
        lines += _table(scenario.round_trips, "target", "operation", "both-A", "both-B")
        lines += _table(scenario.counts, *COUNTS_COMPARED)
        lines += _folded(f"By repetition: {scenario.name}", scenario.by_repetition, *CHANGED)
    if view.lines:
        lines += ["", "## Other differences", "", *_items(view.lines)]
    lines += _caveats(view.caveats)
    return "\n".join(lines) + "\n"


FORMAT = Format("markdown", ".md", render, render_comparison, stem="summary")


def escape(text: str) -> str:
    """Text that Markdown shows as it is, on one line."""
    line = _SPECIAL.sub(r"\\\g<0>", " ".join(plain(text).split()))
    return _AT.sub(_NO_LINK, _NUMBERED.sub(r"\1\\", line))


def _findings(told: FindingsView) -> list[str]:
    """What is wrong and what mends it."""
    lines = ["", "## What is wrong"] if told.found else []
    for one in told.found:
        lines += ["", f"**{escape(f'{one.target}, {one.scenario}: {one.heading}')}** ({escape(one.id)})", ""]
        lines += _items((*one.said, *one.notes, f"To mend it: {one.remedy}"))
    return lines + [f"\n{escape(f'A rule of the diagnosis broke: {line}')}" for line in told.broken]


def _scenario(scenario: ScenarioView) -> list[str]:
    result = scenario.result
    lines = ["", f"## {escape(result.title)} ({escape(result.name)})", "", escape(result.question)]
    if scenario.sort == "ladder":
        lines += [*_table(scenario.ladder, *LADDER), "", *_items(scenario.ladder_lines)]
        for name in dict.fromkeys(cell.text for cell in scenario.steps.under("target")) if scenario.steps else ():
            lines += _folded(f"Steps of {name}", scenario.steps and scenario.steps.where("target", name), *_STEPS)
    elif scenario.sort == "round trips":
        lines += _table(scenario.round_trips, *ROUND_TRIPS)
        lines += _folded("Phases", scenario.successes, *_PHASES)
    else:
        lines += ["", *_items(_phase(phase) for phase in scenario.phases if not phase.warmup)]
        lines += [*_table(scenario.successes, *_PHASES), *_table(scenario.faults, *FAULTS)]
    lines += _table(scenario.counts)
    lines += _folded("Where the time goes", scenario.breakdown, "phase", "target", "mean", *PARTS, "believed")
    lines += _table(scenario.inside)
    lines += _folded("How long each step took inside the app", scenario.inside_times)
    lines += _folded("How long connections were held", scenario.held)
    lines += ["", *_items(scenario.left_out_lines)]
    if scenario.error_lines:
        lines += ["", "Errors by kind:", "", *_items(scenario.error_lines)]
    if scenario.checks_in_short:
        lines += ["", f"{scenario.checks_in_short}."]
    if scenario.failed_checks:
        lines += ["", *(f"- **{verdict.value}** {escape(line)}" for verdict, line in scenario.failed_checks)]
    lines += _table(scenario.limits)
    if scenario.broken_oracles:
        lines += ["", *(f"- **broken oracle** {escape(line)}" for line in scenario.broken_oracles)]
    return lines


def _phase(phase: PhaseLine) -> str:
    return f"{phase.name}: {phase.load} ({phase.behaviour}){'; ' * bool(phase.faults)}{', '.join(phase.faults)}"


def _items(lines: Iterable[str]) -> list[str]:
    return [f"- {escape(line)}" for line in lines]


def _table(table: Table | None, *keys: str) -> list[str]:
    if table is None:
        return []
    shown = table.pick(*keys) if keys else table
    headings = [escape(column.heading) for column in shown.columns]
    rules = ["---:" if column.numeric else "---" for column in shown.columns]
    rows = [[escape(cell) for cell in row] for row in shown.texts(intervals=True)]
    return ["", *(f"| {' | '.join(cells)} |" for cells in (headings, rules, *rows))]


def _folded(title: str, table: Table | None, *keys: str) -> list[str]:
    if table is None:
        return []
    return [
        "",
        f"<details><summary>{_html(title)}</summary>",
        *_table(table, *keys),
        "",
        "</details>",
    ]


def _html(text: str) -> str:
    return _AT.sub(_NO_LINK, html.escape(" ".join(plain(text).split())))


def _caveats(caveats: Iterable[Caveat]) -> list[str]:
    items = [f"- **{escape(caveat.scope)}**: {escape(caveat.text)} {escape(caveat.advice)}" for caveat in caveats]
    return ["", "## Caveats", "", *items] if items else []
