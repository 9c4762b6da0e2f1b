"""Does a listener around cursor execution report every statement over 100 ms, and no other?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from harness.records import Measure, Outcome
from reports.claims.base import Figure, RulingVerdict
from reports.claims.evidence import Evidence, Measured, MissingEvidenceError
from reports.claims.rules import Found, rules_on
from reports.claims.trials import between, count_of, figure_over, requests_of
from reports.histograms import count_up_to_ns
from reports.read import Trial
from scenarios.slow import FAR, NEAR
from scenarios.slow_statements import LATENCY_MS, SCENARIO

EXPERIMENT = "slow-queries"
TUTORIAL, WITH_ERRORS = "slow-query-log", "slow-query-log-errors"
LIMIT_MS = 100
SHORT = "slow_50"
UNCERTAIN = frozenset({"slow_90"})
"""So near below the limit that a scheduler's delay decides; told, and not ruled on."""
NAMES = {
    "slow_50": "50 ms",
    "slow_90": "90 ms",
    "slow_110": "110 ms",
    "slow_300": "300 ms",
    "slow_failing_300": "300 ms, then an error",
    "slow_cancelled_300": "300 ms, then the server's timeout",
    "slow_streamed_300": "300 ms, fetched row by row",
    FAR: f"50 ms, {LATENCY_MS} ms away",
}
FEWEST = 8
"""Statements of a kind in a trial; fewer show nothing."""
ENDED_AS = {
    "slow_failing_300": (Outcome.FAILED, "internal-error"),
    "slow_cancelled_300": (Outcome.FAILED, "database-unavailable"),
}
"""How the requests of a kind end whose statement ran; all others with success."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """Statements of one kind in one trial: asked for; of those, ended as they were to, and after more than the
    limit by the load's own record; lines of the log, statements among those.
    """

    asked: int
    over: int
    lines: int
    reported: int

    @property
    def all_once(self) -> bool:
        return self.asked == self.reported == self.lines

    @property
    def none(self) -> bool:
        return self.reported == 0


@rules_on("slow-query-log")
def slow_query_log(evidence: Evidence) -> Found:
    """Each slow statement that the load's own record counts has to be there once, and no short one at all."""
    measured = evidence.of(EXPERIMENT)
    tutorial, with_errors = _kinds(measured, TUTORIAL), _kinds(measured, WITH_ERRORS)
    slow = [name for name, ask in NEAR.items() if ask.ms > LIMIT_MS]
    missed = [name for name in slow if all(one.none for one in tutorial[name])]
    torn = [name for name in slow if name not in missed and not all(one.all_once for one in tutorial[name])]
    wrong = [max(0, one.reported - one.over) for one in tutorial[SHORT]]
    figures = (
        *_figures(tutorial, "as the tutorial writes it"),
        *_figures(with_errors, "with a listener for errors"),
    )
    if not any(one.lines for kinds in tutorial.values() for one in kinds):
        said = "Its log has no statement of any kind, so that nothing shows that it was on."
        return Found(RulingVerdict.INCONCLUSIVE, said, figures=figures)
    condition = _condition(tutorial, with_errors, [name for name in slow if name not in {*missed, *torn}])
    if torn:
        told = _told(tutorial, torn)
        said = f"Of those of {_list(torn)} some were reported and some not, or more than once: {told}."
        return Found(RulingVerdict.INCONCLUSIVE, said, condition, figures)
    if missed or any(wrong):
        parts = [f"never those of {_list(missed)} ({_told(tutorial, missed)})"] if missed else []
        parts += [f"{between(wrong)} statements of {NAMES[SHORT]} were reported as slow"] if any(wrong) else []
        rest = _told_of_rest(tutorial, slow, missed)
        said = f"Of statements over {LIMIT_MS} ms it reported {rest}; {'; '.join(parts)}."
        return Found(RulingVerdict.REFUTED, said, condition, figures)
    said = f"Each of {_told(tutorial, slow)} was reported once, and none of {NAMES[SHORT]}."
    return Found(RulingVerdict.SUPPORTED, said, condition, figures)


def _told_of_rest(kinds: dict[str, Sequence[_Kind]], slow: Sequence[str], missed: Sequence[str]) -> str:
    rest = [name for name in slow if name not in missed]
    return f"each of {_list(rest)} once ({_told(kinds, rest)})" if rest else "none"


def _condition(
    tutorial: dict[str, Sequence[_Kind]], with_errors: dict[str, Sequence[_Kind]], whole: Sequence[str]
) -> str:
    """Where it holds, what a third listener adds, and what the listener times."""
    parts = [f"It holds for statements of {_list(whole)}"] if whole else []
    healed = [name for name in NAMES if name not in whole and name in NEAR and NEAR[name].ms > LIMIT_MS]
    healed = [name for name in healed if all(one.all_once for one in with_errors[name])]
    if healed:
        parts.append(f"a listener for errors (handle_error) reports those of {_list(healed)} too")
    far = tutorial[FAR]
    asked, reported = sum(one.asked for one in far), sum(one.reported for one in far)
    parts.append(
        f"it times the wait and not the database: of {asked} statements of {NAMES[FAR]}, {reported} were reported"
    )
    said = "; ".join(parts)
    return f"{said[0].upper()}{said[1:]}."


def _kinds(measured: Measured, target: str) -> dict[str, Sequence[_Kind]]:
    trials = [_kinds_in(trial) for trial in measured.require_trials(SCENARIO.name, target)]
    return {name: [kinds[name] for kinds in trials] for name in NAMES}


def _kinds_in(trial: Trial) -> dict[str, _Kind]:
    if trial.record.slow_log is None:
        raise MissingEvidenceError(f"the log of slow statements was not read in trial {trial.record.spec.id}")
    requests, logged = requests_of(trial), {found.operation: found for found in trial.record.slow_log}
    over = _over_limit(trial)
    kinds = {}
    for name, told in NAMES.items():
        asked = count_of(requests, lambda ended, name=name: ended.operation == name)  # type: ignore[misc]
        if asked < FEWEST:
            raise MissingEvidenceError(f"only {asked} statements of {told}, of {FEWEST} at least")
        if name in NEAR and NEAR[name].ms > LIMIT_MS and over[name] < FEWEST:
            raise MissingEvidenceError(
                f"only {over[name]} statements of {told} took more than {LIMIT_MS} ms and ended so, "
                f"of {FEWEST} at least"
            )
        found = logged.get(name)
        kinds[name] = _Kind(asked, over[name], found.lines if found else 0, found.statements if found else 0)
    return kinds


def _over_limit(trial: Trial) -> Counter[str]:
    """Requests that ended as their statement was to, and took longer than the limit; by operation."""
    found = Counter[str]()
    for cell in trial.cells:
        key = cell.key
        ended_as = ENDED_AS.get(key.operation, (Outcome.OK, "-"))
        if key.measure is Measure.RESPONSE and (key.outcome, key.kind) == ended_as:
            found[key.operation] += cell.total - count_up_to_ns(cell.counters, LIMIT_MS * 1_000_000)
    return found


def _told(kinds: dict[str, Sequence[_Kind]], names: Sequence[str]) -> str:
    asked = sum(one.asked for name in names for one in kinds[name])
    reported = sum(one.reported for name in names for one in kinds[name])
    return f"{reported:,} of {asked:,}"


def _list(names: Sequence[str]) -> str:
    told = [NAMES[name] for name in names]
    return "; ".join(told)


def _figures(kinds: dict[str, Sequence[_Kind]], where: str) -> tuple[Figure, ...]:
    return tuple(
        figure
        for name, each in kinds.items()
        for figure in (
            figure_over(f"statements of {NAMES[name]}", [one.asked for one in each], where=where),
            figure_over(f"reported of {NAMES[name]}", [one.reported for one in each], where=where),
        )
    )
