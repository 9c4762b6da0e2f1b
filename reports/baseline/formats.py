"""A baseline, and a run held to it, as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from reports.baseline.advice import in_short, interval
from reports.baseline.judging import Held, HeldRow
from reports.baseline.model import Baseline, CountFinding, InvariantFinding, Job, OnFile, VaryingFinding
from reports.formats.console import console_of, plain_text, say, text_of
from reports.formats.markdown import escape
from reports.gate.formats import STYLES
from reports.gate.verdicts import Verdict
from reports.write import write_texts

MOST_ROWS = 20
MOST_LISTED = 8
_SAID = {
    Verdict.BROKEN: "what must never be was seen, or a limit was broken",
    Verdict.REGRESSED: "a request costs more than is on file",
    Verdict.INVALID: "the run cannot be held against what is on file",
    Verdict.INCONCLUSIVE: "not everything could be told",
    Verdict.PASS: "what is on file holds",
    Verdict.IMPROVED: "a request costs less than is on file",
}


def render_terminal(held: Held, *, width: int = 100, colour: bool = False) -> str:
    """The verdict, every row that is no pass, and what is only to be known."""
    console = console_of(width, colour)
    say(console, summary_line(held), STYLES[held.verdict])
    for line in header_lines(held):
        say(console, line)
    rows = [row for row in held.rows if row.verdict is not Verdict.PASS]
    if rows:
        say(console, "")
    for row in rows[:MOST_ROWS]:
        text = Text.assemble((_verdict(row), STYLES[row.verdict]), plain_text(f" {row.name}: {_told(row)}"))
        console.print(Padding(text, (0, 0, 0, 2)))
    for line in notes(held):
        say(console, line, "dim")
    return text_of(console)


def render_markdown(held: Held) -> str:
    """The same for a job's summary."""
    lines = [f"## poolstorm baseline: {escape(summary_line(held))}", ""]
    lines += [f"- {escape(line)}" for line in header_lines(held)]
    rows = [row for row in held.rows if row.verdict is not Verdict.PASS][:MOST_ROWS]
    if rows:
        lines += ["", "| verdict | what | on file | now | |", "|---|---|---|---|---|"]
        lines += [
            f"| {_verdict(row)} | {escape(row.name)} | {_figure(row.was)} | {_figure(row.now)} "
            f"| {escape(_told(row))} |"
            for row in rows
        ]
    return "\n".join([*lines, "", *(f"- {escape(line)}" for line in notes(held))]).rstrip() + "\n"


def write_held(held: Held, folder: Path) -> tuple[Path, ...]:
    """baseline-check.json and baseline-check.md. Raises RunDirectoryError."""
    texts = {
        "baseline-check.json": held.model_dump_json(indent=2) + "\n",
        "baseline-check.md": render_markdown(held),
    }
    return write_texts(folder, texts)


def summary_line(held: Held) -> str:
    """The verdict in a line."""
    said = "there was no baseline" if held.may_be_first else _SAID[held.verdict]
    return f"{held.verdict.upper()}: {said}"


def header_lines(held: Held) -> Iterator[str]:
    """What was held to what, and what is accepted."""
    yield f"run {held.job.run} on {held.job.machine}{_revision(held.job)}"
    if held.on_file:
        yield f"on file: {_made_from(held.on_file)}"
    passed = sum(row.verdict is Verdict.PASS for row in held.rows)
    yield f"{passed} of {len(held.rows)} counts, invariants and limits hold"
    yield from acceptance_lines(held.acceptances)


def acceptance_lines(acceptances: Sequence[OnFile], today: date | None = None) -> Iterator[str]:
    """Each with its reason; on a day, whether it is past."""
    for one in acceptances:
        past = " (past: gates refuse it)" if today is not None and one.expires < today else ""
        yield f"accepted until {one.expires:%Y-%m-%d}{past}: {one.pattern} ({one.reason})"


def notes(held: Held) -> Iterator[str]:
    """What a reader has to know beside the rows."""
    left = sum(row.verdict is not Verdict.PASS for row in held.rows) - MOST_ROWS
    if left > 0:
        yield f"and {left} more in baseline-check.json"
    yield from _some(held.remarks)
    if held.appeared:
        yield f"not on file yet, and bound from the next writing on: {', '.join(_some(held.appeared))}"
    if not held.is_first:
        yield in_short(held.advice, held.same_machine)
        yield from _some([f"{one.name}: {one.remark}" for one in held.advice if one.remark])
    if held.unused_acceptances:
        yield f"accepted, and not seen: {', '.join(held.unused_acceptances)}"
    if any(row.verdict is Verdict.IMPROVED for row in held.rows):
        yield "to hold what is better, write the baseline anew: poolstorm baseline write"


def render_baseline(baseline: Baseline, today: date, *, width: int = 100, colour: bool = False) -> str:
    """What a file holds: `poolstorm baseline show`."""
    console = console_of(width, colour)
    say(console, f"Baseline of {_made_from(baseline.jobs)}", "bold")
    for job in baseline.jobs[-MOST_LISTED:]:
        say(console, f"  {job.created_at:%Y-%m-%d %H:%M}  {job.run}  {job.machine}{_revision(job)}", "dim")
    counts = [one for one in baseline.findings if isinstance(one, CountFinding)]
    invariants = [one for one in baseline.findings if isinstance(one, InvariantFinding)]
    varying = [one for one in baseline.findings if isinstance(one, VaryingFinding)]
    for title, headings, rows in (
        ("Counts of a request (bind)", ("", "a request"), [(one.name, _figure(one.value)) for one in counts]),
        ("Invariants (bind)", ("", "seen"), [(one.name, one.verdict) for one in invariants]),
        ("Clocks and counts under load (advise)", ("", "past jobs"), [(one.name, _past(one)) for one in varying]),
    ):
        if rows:
            say(console, "")
            say(console, title, "bold")
            table = Table(box=None, pad_edge=False, show_header=bool(headings[0]), padding=(0, 2, 0, 0))
            table.add_column(overflow="fold")
            table.add_column(overflow="fold")
            for row in rows:
                table.add_row(*map(plain_text, row))
            console.print(table)
    say(console, "")
    for line in acceptance_lines(baseline.acceptances, today):
        say(console, line)
    if not baseline.acceptances:
        say(console, "nothing is accepted", "dim")
    return text_of(console)


def _past(one: VaryingFinding) -> str:
    """The latest value and, over all machines together, how many there are."""
    values = [value for value in one.values if value is not None]
    low, high = interval(values)
    spread = "" if low is None or high is None else f", the next one between {low:.3g} and {high:.3g}"
    return f"{values[-1]:.3g} {one.unit}, of {len(values)} jobs{spread}" if values else "none"


def _made_from(jobs: Sequence[Job]) -> str:
    last = jobs[-1]
    more = f" and {len(jobs) - 1} before it" if len(jobs) > 1 else ""
    return f"run {last.run}{more}, by poolstorm {last.poolstorm} on {last.machine}{_revision(last)}"


def _revision(job: Job) -> str:
    revision, changed, _ = (job.revision or "").partition(",")
    return f", at {revision[:10]}{' with changes' if changed else ''}" if revision else ""


def _some(lines: Sequence[str]) -> Iterator[str]:
    yield from lines[:MOST_LISTED]
    if len(lines) > MOST_LISTED:
        yield f"and {len(lines) - MOST_LISTED} more"


def _verdict(row: HeldRow) -> str:
    return f"{row.verdict} (accepted)" if row.accepted is not None else row.verdict.value


def _told(row: HeldRow) -> str:
    return f"{row.said}; accepted: {row.accepted}" if row.accepted is not None else row.said


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
