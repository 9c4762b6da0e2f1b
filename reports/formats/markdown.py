"""Markdown for a pull request or a job's summary: the tables open, the details folded."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator

from harness.plain import plain
from reports.compare import Comparison
from reports.formats import Format, _tables, _tables_compared, _tables_costs
from reports.summary import Caveat, ScenarioResult, Summary
from reports.wording import seconds

_SPECIAL = re.compile(
    r"[\\`*_\[\]<>|#~&$]"
    # else an address becomes a link by itself
    r"|:(?=//)|(?<=www)\."
    # else a line becomes an item of a list, or a rule
    r"|^[-+=](?![\d.])|(?<=^\d)[.)](?=\s)|(?<=^\d\d)[.)](?=\s)",
    re.IGNORECASE,
)
_AT = re.compile(r"@(?=\w)")
_NO_LINK = "@<!-- -->"
"""An `@` that makes no link to a person and none for mail; a backslash would not do."""


def render(summary: Summary) -> str:
    """The summary as GitHub-flavoured Markdown."""
    lines = [f"# Pool report: {escape(summary.run.run_id)}", ""]
    lines_of_run = (*_tables.run_lines(summary), _tables_costs.aa_line(summary))
    lines += [f"{escape(_tables.run_title(summary.run))}  ", *_joined(filter(None, lines_of_run))]
    for scenario in summary.scenarios:
        lines += _scenario(scenario)
    differing = [f"- {escape(line)}" for line in _tables_costs.ledger_lines(summary)]
    if differing:
        lines += ["", "## What differs among the targets", "", *differing]
    for scenario in summary.scenarios:
        ledger = _tables_costs.ledger_table(scenario)
        if ledger is not None:
            lines += _folded(f"Ledger of {scenario.name}", _table(ledger))
    lines += ["", escape(_tables.NOTE)]
    lines += _caveats(summary.caveats)
    rows = tuple((name, value) for name, value in summary.run.environment.items())
    table = _tables.Table((_tables.Column("fact", False), _tables.Column("value", False)), rows)
    lines += _folded("Environment", _table(table))
    return "\n".join(lines) + "\n"


def render_comparison(comparison: Comparison) -> str:
    """Two runs side by side as GitHub-flavoured Markdown."""
    lines = ["# Two runs compared", ""]
    lines += [f"- A: {escape(_tables.run_title(comparison.a))}", f"- B: {escape(_tables.run_title(comparison.b))}"]
    for scenario in _tables_compared.compared_scenarios(comparison):
        phases = [phase for phase in comparison.phases if phase.scenario == scenario]
        lines += ["", f"## {escape(scenario)}", "", *_table(_tables_compared.comparison_table(phases))]
        trips = [one for one in comparison.round_trips if one.scenario == scenario]
        lines += _open(_tables_compared.round_trips_table(trips))
        counts = [count for count in comparison.counts if count.scenario == scenario]
        lines += _open(_tables_compared.counts_table(counts, changed_only=False))
    differences = [f"- {escape(line)}" for line in _tables_compared.comparison_lines(comparison)]
    if differences:
        lines += ["", "## Other differences", "", *differences]
    lines += _caveats(comparison.caveats)
    return "\n".join(lines) + "\n"


FORMAT = Format("markdown", ".md", render, render_comparison, stem="summary")


def escape(text: str) -> str:
    """Text that Markdown shows as it is, on one line."""
    return _AT.sub(_NO_LINK, _SPECIAL.sub(r"\\\g<0>", " ".join(plain(text).split())))


def _joined(lines: Iterable[str]) -> list[str]:
    return ["  \n".join(map(escape, lines))]


def _scenario(scenario: ScenarioResult) -> list[str]:
    lines = ["", f"## {escape(scenario.title)} ({escape(scenario.name)})", "", escape(scenario.question), ""]
    if _tables.is_ladder(scenario):
        lines += [*_table(_tables.ladder_table(scenario)), ""]
        lines += [f"- {escape(line)}" for line in map(_tables.exhaustion_sentence, scenario.targets) if line]
        for target in scenario.targets:
            if target.exhaustion is not None:
                lines += _folded(f"Steps of {target.target}", _table(_tables.step_table(target)))
    elif _tables_costs.has_round_trips(scenario):
        lines += _table(_tables_costs.round_trips_table(scenario))
        lines += _folded("Phases", _table(_tables.phase_table(scenario, wide=True)))
    else:
        lines += [*_phases(scenario), "", *_table(_tables.phase_table(scenario, wide=True))]
        lines += _open(_tables.fault_table(scenario))
    lines += _open(_tables_costs.counts_table(scenario, wide=True))
    for title, table in (
        ("Where the time goes", _tables_costs.breakdown_table(scenario, wide=True)),
        ("How long connections were held", _tables_costs.held_table(scenario)),
    ):
        if table is not None:
            lines += _folded(title, _table(table))
    lines += ["", *(f"- {escape(line)}" for line in _tables.left_out_lines(scenario))]
    errors = [f"- {escape(line)}" for line in _tables.error_lines(scenario)]
    if errors:
        lines += ["", "Errors by kind:", "", *errors]
    counts = _tables.check_counts(scenario)
    if counts:
        lines += ["", f"{counts}."]
        broken = [f"- **{verdict.value}** {escape(line)}" for verdict, line in _tables.check_lines(scenario)]
        lines += ["", *broken] if broken else []
    return lines


def _phases(scenario: ScenarioResult) -> Iterator[str]:
    for phase in scenario.phases:
        if not phase.warmup:
            faults = f"; {', '.join(phase.faults)}" if phase.faults else ""
            text = f"{phase.name}: {seconds(phase.duration_s)} s of {phase.load} ({phase.behaviour}){faults}"
            yield f"- {escape(text)}"


def _table(table: _tables.Table) -> list[str]:
    headings = [escape(column.heading) for column in table.columns]
    rules = ["---:" if column.numeric else "---" for column in table.columns]
    rows = [[escape(cell) for cell in row] for row in table.rows]
    return [f"| {' | '.join(cells)} |" for cells in (headings, rules, *rows)]


def _open(table: _tables.Table | None) -> list[str]:
    return [] if table is None else ["", *_table(table)]


def _folded(title: str, lines: Iterable[str]) -> list[str]:
    return ["", f"<details><summary>{_html(title)}</summary>", "", *lines, "", "</details>"]


def _html(text: str) -> str:
    return _AT.sub(_NO_LINK, html.escape(" ".join(plain(text).split())))


def _caveats(caveats: Iterable[Caveat]) -> list[str]:
    items = [f"- **{escape(caveat.scope)}**: {escape(caveat.text)} {escape(caveat.advice)}" for caveat in caveats]
    return ["", "## Caveats", "", *items] if items else []
