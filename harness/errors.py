"""Every error that a user is meant to see: one line that names the mend, and an exit code."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

EXIT_USAGE = 2
EXIT_INCONCLUSIVE = 3
EXIT_WORSE = 4
"""Worse than what it was held against, or beyond a limit; `EXIT_INCONCLUSIVE` where that could not be told."""
EXIT_INVALID = 5
"""A run that was carried through, and of which no trial can be used. CI may try it again."""
EXIT_INTERRUPTED = 130
LONGEST_LINE = 300
"""Characters of a line about what a person gave, however long that was."""
LONGEST_VALUE = 60


class PoolstormError(Exception):
    """Base: `str(error)` is one line for the terminal. Nothing half-written is left behind."""

    exit_code = EXIT_USAGE


class PlanError(PoolstormError):
    """The plan names something unknown or contradicts itself; told in at most 300 characters."""

    def __init__(self, line: str) -> None:
        super().__init__(plain_line(line))


class EnvironmentSetupError(PoolstormError):
    """PostgreSQL, Toxiproxy, a target or a port is not to be had."""


class HeadBrokenError(EnvironmentSetupError):
    """A gate's head cannot be measured, while its base could: that is the gate's verdict."""


class LeftBehindError(EnvironmentSetupError):
    """Something of ours is left on a server that is not ours; the user must be told, whatever else went wrong."""


class ReplicaUnavailableError(EnvironmentSetupError):
    """There is no replica; whoever needs none goes on."""


class RunDirectoryError(PoolstormError):
    """A run directory exists already, cannot be written, is damaged, foreign or of a newer format."""


class BaselineError(PoolstormError):
    """A baseline file is missing, foreign, damaged or newer, cannot be written, or lacks what it is asked for."""


class OutputError(RunDirectoryError):
    """The run directory could be written when the run began, and no longer: full, gone or locked."""


class TrialFailedError(PoolstormError):
    """One trial could not be carried through; the run records it and goes on."""


class LoginUnavailableError(TrialFailedError):
    """The server does not offer the login that a subject is to use; trials of others go on."""


class InterruptedRunError(PoolstormError):
    """The user ended the run before it had anything to show."""

    exit_code = EXIT_INTERRUPTED


def unknown_name(what: str, name: str, known: Iterable[str]) -> str:
    """A line such as `unknown target 'sync-pol'; did you mean 'sync-pool'? known: ...`."""
    names = sorted(known)
    spelt = {known_name.casefold(): known_name for known_name in names}
    close = difflib.get_close_matches(name[:LONGEST_LINE].casefold(), spelt, n=1, cutoff=0.5)
    hint = f"did you mean {spelt[close[0]]!r}? " if close else ""
    return f"unknown {what} {shown(name)}; {hint}known: {', '.join(names)}"


def plain_line(text: str, longest: int = LONGEST_LINE) -> str:
    """Text as one line without control characters; a long one lacks its middle, as the mend comes last."""
    if len(text) > 4 * longest:  # it may be a whole file
        text = f"{text[: 2 * longest]} {text[-2 * longest :]}"
    line = " ".join(_UNPRINTABLE.sub("?", " ".join(text.split())).split())
    kept = longest // 3
    return line if len(line) <= longest else f"{line[: longest - kept - 5]} ... {line[-kept:]}"


def shown(value: object) -> str:
    """What a person gave, as a message repeats it: in quotes where it is text, and not at full length."""
    if isinstance(value, int) and value.bit_length() > 64:
        return "a number of more than 64 bits"  # which Python may refuse to write
    text = repr(value[: 2 * LONGEST_VALUE] if isinstance(value, str) else value)
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 4]} ..."


def is_printable(text: str) -> bool:
    """Whether it has no control characters, line ends, lone surrogates or signs that turn text around."""
    return not _UNPRINTABLE.search(text)


_UNPRINTABLE = re.compile(
    "[\\x00-\\x1f\\x7f-\\x9f\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069\\ud800-\\udfff]"
)
