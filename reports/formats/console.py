"""Text by rich, kept instead of shown: what all that is rendered for a terminal is written with."""

from __future__ import annotations

import io

from rich.console import Console
from rich.text import Text

from harness.plain import plain


def console_of(width: int, colour: bool) -> Console:
    """One that keeps what it is given, in lines of at most `width` columns; `colour` adds ANSI sequences."""
    return Console(
        file=io.StringIO(),
        width=width,
        force_terminal=colour,
        color_system="standard" if colour else None,
        legacy_windows=False,
        highlight=False,
        markup=False,
        emoji=False,
        _environ={},
    )


def text_of(console: Console) -> str:
    """What it was given, without blanks at the ends of lines."""
    assert isinstance(console.file, io.StringIO)
    lines = console.file.getvalue().splitlines()
    return "\n".join(line.rstrip() for line in lines).strip("\n") + "\n"


def say(console: Console, text: str, style: str = "") -> None:
    """A text as it is, whatever it holds, folded at the console's width."""
    console.print(plain_text(text, style))


def plain_text(text: str, style: str = "") -> Text:
    """Text without control characters: a recorded reason must not steer the terminal."""
    return Text(plain(text), style=style)
