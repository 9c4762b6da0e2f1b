"""Of what a program printed before it ended, the line that says why."""

from __future__ import annotations

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
