"""Findings that someone accepts for a while, with a reason on file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase

from harness.errors import PlanError, shown


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What it names (`target/scenario/phase/route/metric`, `*` for any text), why, and the last day it holds."""

    pattern: str
    reason: str
    expires: date

    def covers(self, name: str) -> bool:
        """Whether a finding is meant; a name as it is written is meant whatever signs it has."""
        return name == self.pattern or fnmatchcase(name, self.pattern)


def checked(acceptances: Iterable[Acceptance], today: date) -> tuple[Acceptance, ...]:
    """The acceptances as they are; raises PlanError for one that is past, gives no reason or covers everything."""
    kept = tuple(acceptances)
    for one in kept:
        if one.expires < today:
            raise PlanError(
                f"the acceptance of {shown(one.pattern)} expired on {one.expires:%Y-%m-%d}; "
                "mend what it covers, or give it a new date"
            )
        if not one.reason.strip():
            raise PlanError(f"the acceptance of {shown(one.pattern)} has no reason; write one")
        if not names_a_metric(one.pattern):
            raise PlanError(
                f"the acceptance {shown(one.pattern)} covers everything, so the gate could not fail; name a metric"
            )
    return kept


def names_a_metric(pattern: str) -> bool:
    """Whether what follows its last `/` is more than signs that stand for any text."""
    metric = pattern.rpartition("/")[2]
    return "[" not in metric and bool(metric.strip("*? "))


def reason_for(name: str, acceptances: Sequence[Acceptance]) -> str | None:
    """Why a finding of this name is accepted; None where it is not."""
    return next((one.reason for one in acceptances if one.covers(name)), None)
