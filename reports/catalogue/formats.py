"""The matrix as text: for a terminal, and as Markdown (docs/catalogue/index.md is that)."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from harness.plain import plain
from reports.calibration.bounds import between
from reports.catalogue.matrix import CatalogueReport, Naming, RowResult
from reports.formats.console import console_of, say, text_of
from reports.formats.markdown import escape

_COLUMNS = ("brought out", "named", "cure left alone", "named unprobed", "cure left alone unprobed")


def render_terminal(report: CatalogueReport, *, width: int = 100, colour: bool = False) -> str:
    """A line for each failure."""
    console = console_of(width, colour)
    say(console, f"Catalogue {report.catalogue_id}", "bold")
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="underline")
    table.add_column("failure", no_wrap=True)
    for heading in _COLUMNS:
        table.add_column(heading, overflow="fold")
    for row in report.rows:
        table.add_row(row.id, *(Text(plain(text)) for text in cells(row)))
    console.print(table)
    for line in summary_lines(report):
        say(console, line)
    return text_of(console)


def render_markdown(report: CatalogueReport) -> str:
    """The same, each failure linked to its page, with what was measured."""
    lines = [
        "# Failures of connection pools",
        "",
        "Written by `make catalogue` from runs; no figure here is by hand.",
        "",
        *(f"{escape(line)}  " for line in summary_lines(report)),
        "",
        f"| failure | {' | '.join(_COLUMNS)} | what was measured |",
        "|---" * (len(_COLUMNS) + 2) + "|",
    ]
    for row in report.rows:
        line = " | ".join(escape(text) for text in cells(row))
        lines.append(f"| [{row.id}]({row.id}.md) | {line} | {escape(row.sign or row.why)} |")
    return "\n".join(lines) + "\n"


def cells(row: RowResult) -> tuple[str, ...]:
    """A row's cells after its name."""
    if row.broken is None:
        return (row.why, "", "", "", "")
    shown = ("yes" if row.shown else "no") if row.still_fails else "fails no more" if not row.shown else "yes"
    return (shown, *map(_told, (row.broken, row.cured, row.broken_unprobed, row.cured_unprobed)))


def _told(naming: Naming | None) -> str:
    if naming is None:
        return ""
    wrong = f" ({', '.join(naming.wrong)})" if naming.wrong else ""
    return f"{naming.right} of {naming.trials}{wrong}"


def summary_lines(report: CatalogueReport) -> list[str]:
    """How many rows are right, and sensitivity and specificity over trials with their 95 % bounds."""
    measured = [row for row in report.rows if row.broken is not None]
    lines = [
        f"{sum(row.is_right for row in measured)} of {len(report.rows)} rows are right in both columns with the "
        f"probe, {sum(row.is_right_unprobed for row in measured)} without"
    ]
    for words, broken, cured in (
        ("with the probe", [row.broken for row in measured], [row.cured for row in measured]),
        ("without", [row.broken_unprobed for row in measured], [row.cured_unprobed for row in measured]),
    ):
        if told := [_share(of) for of in (broken, cured)]:
            lines.append(f"{words}: sensitivity {told[0]}; specificity {told[1]}")
    if report.reason:
        lines.append(f"{report.state}: {report.reason}")
    return lines


def _share(namings: list[Naming | None]) -> str:
    """Right trials of all, with the exact (Clopper-Pearson) interval."""
    right = sum(one.right for one in namings if one)
    trials = sum(one.trials for one in namings if one)
    if not trials:
        return "not measured"
    low, high = between(right, trials)
    return f"{right} of {trials} ({low:.0%} to {high:.0%})"
