"""A gate's report as text: for a terminal, a job's summary, JUnit, annotations and JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from xml.etree import ElementTree

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from harness.plain import plain
from reports.formats.console import console_of, plain_text, say, text_of
from reports.formats.markdown import escape
from reports.gate.earlier import attempt_lines, is_worse
from reports.gate.report import GateReport
from reports.gate.result import Row
from reports.gate.sides import difference_lines, side_text
from reports.gate.standing import standing_lines
from reports.gate.verdicts import Verdict
from reports.write import write_texts

MOST_ROWS = 12
"""Of a screen; worst first, and the rest is counted."""
STYLES = {
    Verdict.BROKEN: "bold red",
    Verdict.REGRESSED: "bold red",
    Verdict.INVALID: "yellow",
    Verdict.INCONCLUSIVE: "yellow",
    Verdict.PASS: "green",
    Verdict.IMPROVED: "green",
}
_SAID = {
    Verdict.BROKEN: "what must never be was seen in the head, or a limit was broken",
    Verdict.REGRESSED: "the head is worse than the base",
    Verdict.INVALID: "the measurement cannot be used",
    Verdict.INCONCLUSIVE: "a loss cannot be ruled out, and none was shown",
    Verdict.PASS: "no loss beyond the limits",
    Verdict.IMPROVED: "better, and no loss beyond the limits",
}
_BROKEN_BEFORE = "the head cannot be measured, and its base can"
_JUNIT = {
    Verdict.BROKEN: "failure",
    Verdict.REGRESSED: "failure",
    Verdict.INCONCLUSIVE: "skipped",
    Verdict.INVALID: "error",
}
_LEVELS = {
    Verdict.BROKEN: "error",
    Verdict.REGRESSED: "error",
    Verdict.INVALID: "warning",
    Verdict.INCONCLUSIVE: "warning",
}


def header_lines(report: GateReport) -> Iterator[str]:
    """What was compared, how, and what is known of the gate's errors."""
    yield from attempt_lines(report.attempt, report.earlier, report.result.verdict)
    yield f"base: {side_text(report.base)}"
    yield f"head: {side_text(report.head)}"
    yield from difference_lines(report.base, report.head, report.differences)
    yield from _pairs_run(report)
    if report.accepted:
        yield f"accepted by {report.baseline}: " + "; ".join(
            f"{one.pattern} until {one.expires:%Y-%m-%d} ({one.reason})" for one in report.accepted
        )
    if report.unfinished:
        yield f"not all planned pairs were run: {report.unfinished}"


def _pairs_run(report: GateReport) -> Iterator[str]:
    """How many, where, and what is known of the errors of a verdict on them."""
    result = report.result
    if result.was_broken_before:
        yield f"no pair was run: the head was tried before, twice, and its base was fine; on {report.machine}"
        return
    took = f" in {report.took_s / 60:.1f} min" if report.took_s else ""
    test = "all sign flips" if result.exact else f"{result.flips:,} drawn sign flips"
    yield (
        f"{result.pairs} pairs of {', '.join(report.scenarios)}{took} on {report.machine}; {result.family} "
        f"figures tested together by {test}, at most {100 * result.alpha:g} % false alarms for all of them"
    )
    if report.pairs_asked:
        yield from standing_lines(report.pairs_asked, report.stands_on, report.not_calibrated)


def notes(report: GateReport) -> Iterator[str]:
    """What a reader has to know beside the rows."""
    result = report.result
    if result.appeared:
        yield f"only the head has {', '.join(result.appeared)}"
    if result.went:
        yield f"only the base has {', '.join(result.went)}"
    yield from result.left_out
    if result.unused_acceptances:
        yield f"accepted, and not seen: {', '.join(result.unused_acceptances)}"
    for breach in result.breaches:
        if breach.side == "base":
            yield f"the base itself broke {breach.name} in pair {breach.pair}: {breach.said}"


def summary_line(report: GateReport) -> str:
    """The verdict in a line."""
    said = _BROKEN_BEFORE if report.result.was_broken_before else _SAID[report.result.verdict]
    return f"{report.result.verdict.upper()}: {said}"


def render_terminal(report: GateReport, *, width: int = 100, colour: bool = False) -> str:
    """The verdict, the header, and every row that is no pass; worst first."""
    console = console_of(width, colour)
    say(console, summary_line(report), STYLES[report.result.verdict])
    for line in header_lines(report):
        say(console, line)
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    table.add_column(ratio=1)
    for row in shown_rows(report):
        table.add_row(Text(_verdict(row), STYLES[row.verdict]), plain_text(place(row)), plain_text(_said(row)))
    console.print(Padding(table, (1, 0, 0, 0)))
    for line in (_rest(report), *notes(report)):
        if line:
            say(console, line, "dim")
    return text_of(console)


def render_markdown(report: GateReport) -> str:
    """A job's summary: at most one screen, the worst first."""
    lines = [f"## poolstorm gate: {escape(summary_line(report))}", ""]
    lines += [f"- {escape(line)}" for line in header_lines(report)]
    lines += ["", "| verdict | what | base | head | |", "|---|---|---|---|---|"]
    lines += [
        f"| {_verdict(row)} | {escape(place(row))} | {figure(row.base)} | {figure(row.head)} "
        f"| {escape(_said(row))} |"
        for row in shown_rows(report)
    ]
    rest = [_rest(report), *notes(report)]
    lines += ["", *(f"- {escape(line)}" for line in rest if line)]
    return "\n".join(lines).rstrip() + "\n"


def render_junit(report: GateReport) -> str:
    """A test case for each row: failure, skipped and error are regressed, inconclusive and invalid."""
    rows = report.result.rows
    kinds = [_JUNIT.get(row.verdict, "") if row.accepted is None else "" for row in rows]
    suite = ElementTree.Element(
        "testsuite",
        name=f"poolstorm gate: {side_text(report.head)}",
        tests=str(len(rows)),
        failures=str(kinds.count("failure")),
        errors=str(kinds.count("error")),
        skipped=str(kinds.count("skipped")),
        time=f"{report.took_s or 0:.1f}",
    )
    for row, kind in zip(rows, kinds, strict=True):
        classname = ".".join(part for part in (row.target, row.scenario, row.phase) if part)
        case = ElementTree.SubElement(suite, "testcase", classname=classname, name=_metric(row))
        if kind:
            ElementTree.SubElement(case, kind, message=f"{row.verdict}: {plain(row.said)}")
        ElementTree.SubElement(case, "system-out").text = plain(_said(row))
    ElementTree.indent(suite)
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def workflow_commands(report: GateReport) -> str:
    """Workflow commands, one a line, for what is not a pass; a CI that does not know them shows them as text."""
    told = commands_for(
        (row.verdict, f"{place(row)}: {_said(row)}") for row in report.result.rows if row.accepted is None
    )
    if not any(is_worse(one, report.result.verdict) for one in report.earlier):
        return told
    attempts = attempt_lines(report.attempt, report.earlier, report.result.verdict)
    return "\n".join(
        [*(f"::warning title=poolstorm attempts::{_command_text(line)}" for line in attempts), *told.splitlines()]
    )


def commands_for(findings: Iterable[tuple[Verdict, str]]) -> str:
    """The same of any findings: their verdicts, and what is said of them."""
    lines = [
        f"::{_LEVELS[verdict]} title=poolstorm {verdict}::{_command_text(said)}"
        for verdict, said in findings
        if verdict in _LEVELS
    ]
    return "\n".join(lines[:MOST_ROWS])


def write_gate(report: GateReport, folder: Path) -> tuple[Path, ...]:
    """gate.json, gate.md and gate.xml in the folder; returns their paths. Raises RunDirectoryError."""
    renderings: Mapping[str, Callable[[GateReport], str]] = {
        "gate.json": lambda one: one.model_dump_json(indent=2) + "\n",
        "gate.md": render_markdown,
        "gate.xml": render_junit,
    }
    return write_texts(folder, {name: render(report) for name, render in renderings.items()})


def shown_rows(report: GateReport) -> list[Row]:
    """What is not a plain pass, then passes while there is room."""
    rows = sorted(report.result.rows, key=lambda row: row.verdict in (Verdict.PASS,))
    return rows[:MOST_ROWS]


def place(row: Row) -> str:
    """Where and what, such as `transfer p50 (steady)`."""
    where = f" ({row.phase})" if row.phase else ""
    return f"{_metric(row)}{where}"


def _metric(row: Row) -> str:
    """With its route, where it has one."""
    return f"{row.route} {row.metric}" if row.scenario else row.metric


def figure(value: float | None) -> str:
    """Three digits, or nothing."""
    return "" if value is None else f"{value:.3g}"


def _verdict(row: Row) -> str:
    return f"{row.verdict} (accepted)" if row.accepted is not None else row.verdict.value


def _said(row: Row) -> str:
    return f"{row.said}; accepted: {row.accepted}" if row.accepted is not None else row.said


def _rest(report: GateReport) -> str:
    left = len(report.result.rows) - MOST_ROWS
    return f"and {left} more in gate.json" if left > 0 else ""


def _command_text(text: str) -> str:
    """As workflow commands want it: `%` and line ends would end or change them."""
    return plain(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
