"""What is wrong with the pools, first of all that a report says: findings, and what could not be told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from reports.summary import Finding, Summary, Sureness
from reports.view.pieces import anchor
from reports.wording import seconds


@dataclass(frozen=True, slots=True)
class FoundView:
    """A finding where it was made, in words. `notes`: what was ruled out, what it explains, when it showed."""

    anchor: str
    scenario: str
    target: str
    id: str
    heading: str
    said: tuple[str, ...]
    remedy: str
    notes: tuple[str, ...]
    page: str


@dataclass(frozen=True, slots=True)
class FindingsView:
    """`open` says of which failures nothing can be told and why, in a sentence for each reason; `broken` are rules
    that broke as they looked.
    """

    found: tuple[FoundView, ...]
    open: tuple[str, ...]
    broken: tuple[str, ...]


def findings(summary: Summary) -> FindingsView:
    """Of all targets under all scenarios. One found in several scenarios is told in each."""
    found, why, broken = [], dict[str, dict[str, None]](), dict[str, None]()
    for number, scenario in enumerate(summary.scenarios, 1):
        for target in scenario.targets:
            diagnosis = target.diagnosis
            found += [_found(one, anchor(number), scenario.title, target.target) for one in diagnosis.findings]
            for withheld in diagnosis.withheld:
                why.setdefault(withheld.why, {})[withheld.id] = None
            broken |= dict.fromkeys(diagnosis.failed)
    return FindingsView(
        found=tuple(found),
        open=tuple(f"{', '.join(ids)}: {reason}" for reason, ids in why.items()),
        broken=tuple(broken),
    )


def finding_heading(finding: Finding) -> str:
    """Its title, with how sure it is and how often it was seen."""
    likely = "" if finding.sure is Sureness.SURE else " (likely)"
    often = f", in {finding.repetitions} of {finding.of} trials" if finding.of > 1 else ""
    return f"{finding.title}{likely}{often}"


def finding_notes(finding: Finding) -> Iterator[str]:
    """What stands beside the evidence."""
    for one in finding.ruled_out:
        yield f"Ruled out: {one}"
    if finding.symptoms:
        yield f"It explains what looks like {', '.join(finding.symptoms)}"
    if finding.moments:
        first = finding.moments[0]
        more = f", and {len(finding.moments) - 1} more" if len(finding.moments) > 1 else ""
        when = f"from {seconds(round(first.from_s, 1))} to {seconds(round(first.until_s, 1))} s"
        of = f" of repetition {first.repetition}" if finding.of > 1 else ""
        yield f"Shown {when}{of} ({first.what}){more}"


def _found(finding: Finding, at: str, scenario: str, target: str) -> FoundView:
    return FoundView(
        anchor=at,
        scenario=scenario,
        target=target,
        id=finding.id,
        heading=finding_heading(finding),
        said=finding.said,
        remedy=finding.remedy,
        notes=tuple(finding_notes(finding)),
        page=finding.page,
    )
