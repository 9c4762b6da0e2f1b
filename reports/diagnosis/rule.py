"""What a rule is: which evidence it needs, and what it makes of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from reports.diagnosis.evidence import Evidence, Source
from reports.summary import Sureness

Stretch = tuple[float, float, str]
"""From and until in seconds since the trial's origin, and what shows in it."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The failure shows: `said` are sentences with the figures. `remedy` is what mends it here, where that is more
    than the rule's own words, such as the value of a setting.
    """

    said: tuple[str, ...]
    sure: Sureness = Sureness.SURE
    moments: tuple[Stretch, ...] = ()
    ruled_out: tuple[str, ...] = ()
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class CannotTell:
    """The evidence is there and does not decide, or contradicts itself; `why` is a sentence."""

    why: str


Look = Callable[[Evidence], Seen | CannotTell | None]


@dataclass(frozen=True, slots=True)
class Rule:
    """Names one failure of the catalogue from one trial's evidence, by its mechanism.

    `needs` are sets of sources of which one must be whole: without any of them nothing is said, and never "no".
    `explained_by` are ids of failures of which this one is but a symptom: where one of these is found in the same
    trial, this is not named beside it. A rule knows no subject's name, no scenario's, and no setting that an app
    of which nothing is known would not show.
    """

    id: str
    title: str
    needs: tuple[frozenset[Source], ...]
    remedy: str
    look: Look
    explained_by: tuple[str, ...] = ()
    fewest_requests: int = 20

    def asked(self, evidence: Evidence) -> Seen | CannotTell | None:
        """What it says of one trial; None is no."""
        if evidence.requests < self.fewest_requests:
            return CannotTell(f"{evidence.requests} requests are too few; it takes {self.fewest_requests}")
        if not any(needed <= evidence.sources for needed in self.needs):
            return CannotTell(f"it needs {_alternatives(self.needs)}, which this trial does not have")
        return self.look(evidence)


def _alternatives(needs: tuple[frozenset[Source], ...]) -> str:
    return ", or ".join(" and ".join(sorted(source.words for source in needed)) for needed in needs)
