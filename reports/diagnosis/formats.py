"""Findings as text for a terminal: what is wrong, and what could not be told."""

from __future__ import annotations

from reports.formats.console import console_of, say, text_of
from reports.formats.terminal import say_findings
from reports.summary import Summary
from reports.view.findings import findings


def render_terminal(summary: Summary, *, width: int = 80, colour: bool = False) -> str:
    """All of a run's."""
    told = findings(summary)
    console = console_of(width, colour)
    if not told.found:
        say(console, "Nothing of the failure catalogue was found.")
    say_findings(console, told)
    if told.open:
        say(console, "")
        say(console, "What could not be told", "bold")
        for line in told.open:
            say(console, f"  {line}", "dim")
    return text_of(console)
