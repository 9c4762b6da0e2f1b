"""All rules over all trials of one target under one scenario."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reports.analysis.folding import Observed
from reports.diagnosis.evidence import Evidence
from reports.diagnosis.rule import CannotTell, Rule, Seen
from reports.diagnosis.rules import RULES
from reports.files import reason_of
from reports.summary import Diagnosis, Finding, Moment, Sureness, Withheld

PAGES = "docs/catalogue"
MOST_MOMENTS = 5
_Said = Mapping[str, Seen | CannotTell | None]


def diagnose(observed: Sequence[Observed], rules: Sequence[Rule] = RULES, *, probed: bool = True) -> Diagnosis:
    """What the usable trials of a target under a scenario show. A finding stands where most of them have it.

    Without `probed` what a probe told is put aside. A rule that breaks is told of and says nothing.
    """
    if not observed:
        return Diagnosis()
    failed: dict[str, str] = {}
    symptoms_of: dict[str, set[str]] = {}
    of_trials: list[_Said] = []
    for one in observed:
        evidence = Evidence(one, is_probed=probed)
        left, explained = _without_symptoms({rule.id: _asked(rule, evidence, failed) for rule in rules}, rules)
        of_trials.append(left)
        for cause, symptoms in explained.items():
            symptoms_of.setdefault(cause, set()).update(symptoms)
    findings, withheld = [], []
    for rule in rules:
        if rule.id in failed:
            continue
        said = [of_trial[rule.id] for of_trial in of_trials]
        seen = [(n, one) for n, one in enumerate(said) if isinstance(one, Seen)]
        if 2 * len(seen) > len(said):
            told = [(observed[n].repetition, one) for n, one in seen]
            findings.append(_finding(rule, told, len(said), tuple(sorted(symptoms_of.get(rule.id, ())))))
        elif unsure := next((one for one in said if isinstance(one, CannotTell)), None):
            withheld.append(Withheld(id=rule.id, title=rule.title, why=unsure.why))
    return Diagnosis(
        findings=tuple(sorted(findings, key=lambda one: one.sure is not Sureness.SURE)),
        withheld=tuple(withheld),
        failed=tuple(failed.values()),
    )


def _asked(rule: Rule, evidence: Evidence, failed: dict[str, str]) -> Seen | CannotTell | None:
    try:
        return rule.asked(evidence)
    except Exception as error:
        failed[rule.id] = f"{rule.id}: {type(error).__name__}: {reason_of(error)}"
        return None


def _without_symptoms(said: _Said, rules: Sequence[Rule]) -> tuple[_Said, dict[str, set[str]]]:
    """What is left where what others explain is not named beside them, and which symptoms each explains."""
    found = {name for name, one in said.items() if isinstance(one, Seen)}
    symptoms: dict[str, set[str]] = {}
    left = dict(said)
    for rule in rules:
        causes = found & set(rule.explained_by) if rule.id in found else set()
        if causes:
            left[rule.id] = None
        for cause in causes:
            symptoms.setdefault(cause, set()).add(rule.id)
    return left, symptoms


def _finding(rule: Rule, seen: Sequence[tuple[int, Seen]], of: int, symptoms: tuple[str, ...]) -> Finding:
    """Told with the figures of the first trial that shows it, and moments of all."""
    first = seen[0][1]
    moments = [
        Moment(repetition=repetition, from_s=from_s, until_s=until_s, what=what)
        for repetition, one in seen
        for from_s, until_s, what in one.moments
    ]
    return Finding(
        id=rule.id,
        title=rule.title,
        sure=Sureness.SURE if all(one.sure is Sureness.SURE for _, one in seen) else Sureness.LIKELY,
        said=first.said,
        remedy=first.remedy or rule.remedy,
        page=f"{PAGES}/{rule.id}.md",
        repetitions=len(seen),
        of=of,
        moments=tuple(moments[:MOST_MOMENTS]),
        ruled_out=first.ruled_out,
        symptoms=symptoms,
    )
