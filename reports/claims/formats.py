"""Rulings as text: for a terminal, as Markdown (docs/claims.md is that), as JSON, and as a page."""

from __future__ import annotations

from pathlib import Path

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from harness.errors import RunDirectoryError
from harness.files import write_atomically
from harness.plain import plain
from reports.claims.base import ClaimsReport, Figure, Ruling, RulingVerdict, Turn
from reports.claims.evidence import Evidence
from reports.formats.console import console_of, say, text_of
from reports.formats.html import page
from reports.formats.markdown import escape
from reports.write import write_summary

HTML_FILE = "claims.html"
RULINGS_FILE = "rulings.json"
MARKDOWN_FILE = "claims.md"
_STYLES = {
    RulingVerdict.SUPPORTED: "green",
    RulingVerdict.REFUTED: "bold red",
    RulingVerdict.INCONCLUSIVE: "yellow",
}
_TONES = {RulingVerdict.SUPPORTED: "good", RulingVerdict.REFUTED: "bad", RulingVerdict.INCONCLUSIVE: "open"}
QUICK_NOTE = "A quick look: one repetition, short phases. The whole run rules with intervals."


def render_terminal(report: ClaimsReport, *, width: int = 100, colour: bool = False) -> str:
    """A table of verdicts, each with what was seen, and its figures under it."""
    console = console_of(width, colour)
    say(console, f"Claims {report.claims_id}: {summary_line(report)}", "bold")
    for line in _state_lines(report):
        say(console, line)
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(ratio=1)
    for ruling in report.rulings:
        rests = f"{trials_text(ruling)}." if ruling.planned else ""
        said = " ".join(filter(None, (ruling.said, ruling.condition, *map(turn_text, ruling.turns), rests)))
        table.add_row(ruling.claim, Text(ruling.verdict.value, _STYLES[ruling.verdict]), Text(plain(said)))
    console.print(Padding(table, (1, 0, 0, 0)))
    return text_of(console)


def render_markdown(report: ClaimsReport) -> str:
    """All rulings with their figures, conditions and the runs behind them."""
    lines = [
        "# The tutorial's statements, measured",
        "",
        "Written by `poolstorm claims` from a run; no verdict and no figure here is by hand.",
        "",
        escape(
            f"{summary_line(report)} ({report.claims_id}, {report.created_at:%Y-%m-%d}, poolstorm "
            f"{report.poolstorm_version})."
        ),
        *(f"\n{escape(line)}" for line in _state_lines(report)),
        "",
        "| statement | verdict | what was seen |",
        "|---|---|---|",
        *(
            f"| [{ruling.claim}](#{ruling.claim}) | {ruling.verdict.value} | {escape(ruling.said)} |"
            for ruling in report.rulings
        ),
    ]
    for ruling in report.rulings:
        lines += _section(ruling)
    if report.environment:
        lines += ["", "## Where it was measured", ""]
        lines += [f"- {escape(name)}: {escape(value)}" for name, value in sorted(report.environment.items())]
    return "\n".join(lines) + "\n"


def render_json(report: ClaimsReport) -> str:
    """One JSON document."""
    return report.model_dump_json(indent=1) + "\n"


def render_html(report: ClaimsReport) -> str:
    """One page that loads nothing; it links to the reports of the runs beside it."""
    return page(
        "claims.html.j2",
        figures=(),
        report=report,
        counted=summary_line(report),
        state_lines=_state_lines(report),
        tones={verdict.value: tone for verdict, tone in _TONES.items()},
        turn_text=turn_text,
        figure_text=figure_text,
        trials_text=trials_text,
    )


def write_claims(report: ClaimsReport, evidence: Evidence, folder: Path) -> tuple[Path, ...]:
    """Write the rulings into the folder, and into folders of their own within it the reports of the runs, which
    the page links to; returns the paths of the rulings.

    Nothing is written outside the folder. Raises RunDirectoryError, before anything is written where a run's
    folder is a link that would lead there.
    """
    for name in evidence.measured:
        if (folder / name).is_symlink():
            raise RunDirectoryError(
                f"{folder / name} is a symbolic link, which is not written through; remove it, or name another "
                "folder with --output"
            )
    written = write_rulings(report, folder)
    for name, measured in evidence.measured.items():
        write_summary(measured.summary, folder / name)
    return written


def write_rulings(report: ClaimsReport, folder: Path) -> tuple[Path, ...]:
    """Write claims.html, rulings.json and claims.md into the folder. Raises RunDirectoryError."""
    texts = {
        HTML_FILE: render_html(report),
        RULINGS_FILE: render_json(report),
        MARKDOWN_FILE: render_markdown(report),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            write_atomically(folder / name, text)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise RunDirectoryError(
            f"rulings cannot be written to {folder} ({reason}); name another folder with --output"
        ) from error
    return tuple(folder / name for name in texts)


def summary_line(report: ClaimsReport) -> str:
    """How many statements have which verdict."""
    return ", ".join(f"{report.count(verdict)} {verdict.value}" for verdict in RulingVerdict)


def trials_text(ruling: Ruling) -> str:
    """What it rests on, such as `From 17 of 18 trials`."""
    return f"From {ruling.trials:,} of {ruling.planned:,} trial{'' if ruling.planned == 1 else 's'}"


def figure_text(figure: Figure) -> str:
    """A figure with its unit and interval, such as `0.41 ms (0.38 to 0.44)`."""
    if figure.value is None:
        return "not measured"
    text = f"{_number(figure.value, figure.unit)} {figure.unit}".rstrip()
    if figure.low is not None and figure.high is not None:
        text += f" ({_number(figure.low, figure.unit)} to {_number(figure.high, figure.unit)})"
    return text


def turn_text(turn: Turn) -> str:
    """Where a statement turns, in a sentence."""
    unit = f" {turn.unit}" if turn.unit else ""
    return f"It holds {turn.holds} {_number(turn.low)} to {_number(turn.high)}{unit} of {turn.of}."


def _number(value: float, unit: str = "") -> str:
    """To three digits; a share is 100 % only where it is all."""
    if unit == "%" and 99.9 < value < 100:
        return "99.9"
    if abs(value) >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _state_lines(report: ClaimsReport) -> list[str]:
    lines = [QUICK_NOTE] if report.quick else []
    if report.state != "finished":
        lines.append(f"Not all was measured ({report.state}{': ' if report.reason else ''}{report.reason}).")
    return lines


def _section(ruling: Ruling) -> list[str]:
    lines = ["", f"## {ruling.claim}", "", f"*{escape(ruling.statement)}*", ""]
    lines += [f"**{ruling.verdict.value.capitalize()}.** {escape(ruling.said)}"]
    if ruling.condition:
        lines += ["", f"Condition: {escape(ruling.condition)}"]
    lines += [f"\n{escape(turn_text(turn))}" for turn in ruling.turns]
    if ruling.figures:
        lines += ["", "| figure | measured | where |", "|---|--:|---|"]
        lines += [
            f"| {escape(figure.name)} | {escape(figure_text(figure))} | {escape(figure.where)} |"
            for figure in ruling.figures
        ]
    if ruling.runs:
        runs = ", ".join(f"`{name}`" for name in ruling.runs)
        lines += ["", f"{trials_text(ruling)} of {runs}."]
    return lines
