"""What is wrong with a pool, named from evidence, and what could not be told."""

from __future__ import annotations

from enum import StrEnum

from reports.summary.figures import Result


class Sureness(StrEnum):
    SURE = "sure"  # the mechanism itself was seen
    LIKELY = (
        "likely"  # what was seen fits this, and what else it could have been was ruled out as far as it can be
    )


class Moment(Result):
    """A stretch of one trial in which a finding shows, in seconds since the trial's origin."""

    repetition: int
    from_s: float
    until_s: float
    what: str


class Finding(Result):
    """A failure of the catalogue (`docs/catalogue/<id>.md`), found in `repetitions` of the `of` usable trials.

    `said` are sentences with the figures that show it, `ruled_out` what it could have been and is not, `symptoms`
    the ids of findings that this one explains.
    """

    id: str
    title: str
    sure: Sureness
    said: tuple[str, ...]
    remedy: str
    page: str
    repetitions: int
    of: int
    moments: tuple[Moment, ...] = ()
    ruled_out: tuple[str, ...] = ()
    symptoms: tuple[str, ...] = ()


class Withheld(Result):
    """A failure of which nothing can be said here, and why: never a no."""

    id: str
    title: str
    why: str


class Diagnosis(Result):
    """All that is said of one target under one scenario; `failed` are rules that broke while they looked."""

    findings: tuple[Finding, ...] = ()
    withheld: tuple[Withheld, ...] = ()
    failed: tuple[str, ...] = ()
