"""Of what a program printed before it ended, the line that says why."""

from __future__ import annotations

import os
from pathlib import Path

MOST_BYTES = 256 * 1024
"""Of a log's end, in which its last lines are looked for."""
_SIGNS_OF_A_CAUSE = ("FATAL:", "PANIC:", "fatal error:", "panic:", "ERROR:", "error:", "Error:", "could not ")
_THE_LAST_COUNTS = frozenset({"FATAL:", "PANIC:", "ERROR:", "error:", "Error:"})


def telling_line(log: str) -> str:
    """Of the end of a log, the line that most likely names the cause; without such a one the last.

    Programs tidy up after an error and say so, and a runtime that panics prints its stacks after it.
    """
    lines = [" ".join(line.split()) for line in log.splitlines() if line.strip()]
    for sign in _SIGNS_OF_A_CAUSE:
        if found := [line for line in lines if sign in line]:
            return found[-1] if sign in _THE_LAST_COUNTS else found[0]
    return lines[-1] if lines else ""


def end_of_log(path: Path, lines: int) -> str:
    """The last `lines` lines that are not blank; empty where there is none, or no such file."""
    try:
        with path.open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - MOST_BYTES))
            text = log.read(MOST_BYTES).decode(errors="replace")
    except OSError:
        return ""
    return "\n".join([line for line in text.splitlines() if line.strip()][-lines:]) if lines > 0 else ""
