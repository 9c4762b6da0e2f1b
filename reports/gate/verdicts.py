"""The gate's verdicts, how they rank, and what the process says of them."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum, StrEnum

from harness.errors import EXIT_INCONCLUSIVE, EXIT_INVALID, EXIT_USAGE, EXIT_WORSE


class Verdict(StrEnum):
    """Worst first. An improvement ranks last: it never hides what is not resolved."""

    BROKEN = "broken"
    REGRESSED = "regressed"
    INVALID = "invalid"
    INCONCLUSIVE = "inconclusive"
    PASS = "pass"
    IMPROVED = "improved"


class Exit(IntEnum):
    """Exit codes; 1 is left to crashes."""

    PASS = 0
    USAGE = EXIT_USAGE
    INCONCLUSIVE = EXIT_INCONCLUSIVE
    REGRESSED = EXIT_WORSE
    INVALID = EXIT_INVALID


class Inconclusive(StrEnum):
    """What `--inconclusive` asks for."""

    WARN = "warn"
    FAIL = "fail"


_RANK = {verdict: rank for rank, verdict in enumerate(Verdict)}
_EXIT = {
    Verdict.BROKEN: Exit.REGRESSED,
    Verdict.REGRESSED: Exit.REGRESSED,
    Verdict.INVALID: Exit.INVALID,
    Verdict.INCONCLUSIVE: Exit.INCONCLUSIVE,
    Verdict.PASS: Exit.PASS,
    Verdict.IMPROVED: Exit.PASS,
}


def rank(verdict: Verdict) -> int:
    """0 for the worst."""
    return _RANK[verdict]


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The worst of all; INVALID where there is none, since nothing that was read can pass."""
    return min(verdicts, key=rank, default=Verdict.INVALID)


def exit_code(verdict: Verdict, inconclusive: Inconclusive = Inconclusive.FAIL) -> Exit:
    """What the process ends with."""
    if verdict is Verdict.INCONCLUSIVE and inconclusive is Inconclusive.WARN:
        return Exit.PASS
    return _EXIT[verdict]
