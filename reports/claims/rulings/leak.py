"""Does an error leak a connection where nothing closes the session, until the pool is empty?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.records import Outcome, PoolReading
from reports.claims.base import Figure, RulingVerdict
from reports.claims.evidence import Evidence, Measured, MissingEvidenceError
from reports.claims.rules import Found, rules_on
from reports.claims.trials import between, count_of, figure_over, pool_at_end, requests_of
from reports.read import Trial

EXPERIMENT, SCENARIO = "leak", "raised"
PLAIN, RETURNED = "no-finally", "returned-session"
TRACKED, UNCOLLECTED = "no-finally-tracked", "no-finally-uncollected"
CURES = {"get-db": "closed in a finally block", "with-session": "closed by a with block"}
FORMS = {
    PLAIN: "closed only on success",
    TRACKED: "the same, last exceptions kept",
    UNCOLLECTED: "the same, garbage collection off",
    RETURNED: "returned, never closed",
    **CURES,
}
ERRORS_A_CONNECTION = 2
"""So many requests for each connection of the pool have to end in errors, unless fewer emptied it: with fewer none
need be missing."""


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What became of the pool in one trial."""

    raised: int
    refused: int
    reads_served: int
    out_at_most: int
    out_at_end: int
    limit: int

    @property
    def emptied(self) -> bool:
        """Whether nothing was left, and nothing came back."""
        return self.refused > 0 and self.out_at_end == self.limit


@rules_on("leak")
def leak(evidence: Evidence) -> Found:
    """Supported where errors emptied the pool for good; the forms that keep a session's exception, or return the
    session, and those that close it say under which condition.
    """
    measured = evidence.of(EXPERIMENT)
    forms = {target: _outcomes(measured, target) for target in FORMS}
    figures = tuple(figure for target, outcomes in forms.items() for figure in _figures(FORMS[target], outcomes))
    plain = forms[PLAIN]
    if left := [target for target in CURES if any(one.out_at_end or one.refused for one in forms[target])]:
        said = f"Connections were missing with {left[0]}, too, so that nothing can be laid to a missing finally."
        return Found(RulingVerdict.INCONCLUSIVE, said, figures=figures)
    condition = _condition(forms, measured.run.manifest.environment.python)
    raised, limit = between([one.raised for one in plain]), plain[0].limit
    if not any(one.emptied for name in (TRACKED, UNCOLLECTED, PLAIN) for one in forms[name]):
        said = (
            f"After {raised} errors the pool was never empty, nor was it where exceptions are kept or collection "
            "is off, so that nothing shows that a leak would have been seen."
        )
        return Found(RulingVerdict.INCONCLUSIVE, said, figures=figures)
    if all(one.emptied for one in plain):
        said = f"All {limit} connections were out after {raised} errors, and none came back."
        return Found(RulingVerdict.SUPPORTED, said, condition, figures)
    if not any(one.emptied for one in plain):
        refused = [one.refused for one in plain]
        said = (
            f"After {raised} errors {between([one.out_at_end for one in plain])} of {limit} connections were out, "
            f"at most {max(one.out_at_most for one in plain)} at any time, and {between(refused)} requests were "
            "refused: garbage collection gives them back. With the exceptions kept "
            f"{_emptied(forms[TRACKED])} trials ended with none left, with collection off "
            f"{_emptied(forms[UNCOLLECTED])}."
        )
        return Found(RulingVerdict.REFUTED, said, condition, figures)
    said = f"The pool was empty for good in {_emptied(plain)} trials."
    return Found(RulingVerdict.INCONCLUSIVE, said, condition, figures)


def _condition(forms: dict[str, Sequence[_Outcome]], python: str) -> str:
    late = max(one.out_at_most for one in forms[RETURNED])
    tracked, uncollected = _for_good(forms[TRACKED]), _for_good(forms[UNCOLLECTED])
    return (
        f"{python}, whose garbage collection finds a session once nothing refers to it. For good an error "
        "takes a connection where something keeps its exception, whose traceback holds the session "
        f"({tracked}), or where collection is off ({uncollected}). A session that is returned and never closed is "
        f"collected likewise, with up to {late} connections out at once. Closed in a finally or with block, none "
        "is out at the end."
    )


def _for_good(outcomes: Sequence[_Outcome]) -> str:
    raised, out = between([one.raised for one in outcomes]), between([one.out_at_end for one in outcomes])
    return f"{raised} errors left {out} out, with the pool empty in {_emptied(outcomes)} trials"


def _emptied(outcomes: Sequence[_Outcome]) -> str:
    return f"{sum(one.emptied for one in outcomes)} of {len(outcomes)}"


def _outcomes(measured: Measured, target: str) -> Sequence[_Outcome]:
    return [_outcome(trial, target) for trial in measured.require_trials(SCENARIO, target)]


def _outcome(trial: Trial, target: str) -> _Outcome:
    requests, end = requests_of(trial), pool_at_end(trial)
    if not end.limit:
        raise MissingEvidenceError(f"the pool of {target} has no limit, so that it is never empty")
    raised = count_of(requests, lambda ended: (ended.phase, ended.kind) == ("errors", "internal-error"))
    found = _Outcome(
        raised=raised,
        refused=count_of(requests, lambda ended: ended.outcome == Outcome.REFUSED),
        reads_served=count_of(requests, lambda ended: (ended.phase, ended.outcome) == ("reads", Outcome.OK)),
        out_at_most=max([end.checked_out_max, *(one.checked_out for one in trial.readings_of(PoolReading))]),
        out_at_end=end.checked_out,
        limit=end.limit,
    )
    fewest = end.limit if found.emptied else ERRORS_A_CONNECTION * end.limit
    if raised < fewest:
        raise MissingEvidenceError(f"only {raised} requests ended in errors on {target}, of {fewest} at least")
    return found


def _figures(form: str, outcomes: Sequence[_Outcome]) -> tuple[Figure, ...]:
    return (
        figure_over("errors raised", [one.raised for one in outcomes], where=form),
        figure_over("connections out at most", [one.out_at_most for one in outcomes], where=form),
        figure_over("connections out at the end", [one.out_at_end for one in outcomes], where=form),
        figure_over("requests refused", [one.refused for one in outcomes], where=form),
        figure_over("reads served afterwards", [one.reads_served for one in outcomes], where=form),
    )
