"""Every error that a user is meant to see: one line that names the mend, and an exit code."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

EXIT_USAGE = 2
EXIT_INVALID = 5
"""A run that was carried through, and of which no trial can be used. CI may try it again."""
EXIT_INTERRUPTED = 130


class PoolstormError(Exception):
    """Base: `str(error)` is one line for the terminal. Nothing half-written is left behind."""

    exit_code = EXIT_USAGE


class PlanError(PoolstormError):
    """The plan names something unknown or contradicts itself."""


class EnvironmentSetupError(PoolstormError):
    """PostgreSQL, Toxiproxy, a target or a port is not to be had."""


class RunDirectoryError(PoolstormError):
    """A run directory exists already, cannot be written, is damaged, foreign or of a newer format."""


class OutputError(RunDirectoryError):
    """The run directory could be written when the run began, and no longer: full, gone or locked."""


class TrialFailedError(PoolstormError):
    """One trial could not be carried through; the run records it and goes on."""


class InterruptedRunError(PoolstormError):
    """The user ended the run before it had anything to show."""

    exit_code = EXIT_INTERRUPTED


def unknown_name(what: str, name: str, known: Iterable[str]) -> str:
    """A line such as `unknown target 'sync-pol'; did you mean 'sync-pool'? known: ...`."""
    names = sorted(known)
    spelt = {known_name.casefold(): known_name for known_name in names}
    close = difflib.get_close_matches(name.casefold(), spelt, n=1, cutoff=0.5)
    hint = f"did you mean {spelt[close[0]]!r}? " if close else ""
    return f"unknown {what} {name!r}; {hint}known: {', '.join(names)}"
