"""Which remedy cures which reason for an exhausted pool, and is the recommended pool the best of its kind?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness.records import Measure, Outcome, PoolReading, TimesReading
from reports.claims.base import Figure, RulingVerdict, Turn
from reports.claims.evidence import Evidence, Measured, MissingEvidenceError
from reports.claims.rules import Found, rules_on
from reports.claims.trials import Ended, between, count_of, figure_over, percent, requests_of, within
from reports.histograms import count_up_to_ns
from reports.read import Trial
from scenarios.remedies import BEYOND_30_PER_S, BEYOND_40_PER_S, DEADLINE_MS, MORE_THREADS, USUAL_THREADS

EXPERIMENT, SCENARIO = "remedies", "remedies"
CONTROL, RECOMMENDED = "ten-plus-twenty", "twenty-plus-thirty"
BIGGER, WITH_THREADS = "twenty-plus-forty", "twenty-plus-forty-threads"
FEWER, CACHED = "fewer-columns", "cached-reads"
TITLES = {
    CONTROL: "10+20",
    RECOMMENDED: "20+30",
    BIGGER: "20+40",
    WITH_THREADS: f"20+40 with {MORE_THREADS} threads",
    FEWER: "10+20, fewer columns",
    CACHED: "10+20, cached reads",
}
SLOW, SLOWER = "slow", "slower"
REASONS = {
    SLOW: f"slow statements, {BEYOND_30_PER_S}/s",
    SLOWER: f"slow statements, {BEYOND_40_PER_S}/s",
    "wide": "wide rows on a narrow link",
    "far": "hot reads from afar",
}
BOOKS, STALE = "books", "wrong-balance"
EXHAUSTED_FROM = 0.03
"""So large a share refused by 10+20 in every trial is exhaustion; with less there is nothing to cure."""
CURED_REFUSED, CURED_IN_TIME = 0.01, 0.9
"""At most this share refused, and at least this one answered in time, in every trial."""
FEWEST_EXHAUSTED = 3
FEWEST_REQUESTS = 50
FEWEST_READS, FEWEST_WRITES = 30, 10
"""By those who know what is right: where no balance changes, no read of one is stale."""
MARGIN = 0.1
"""By so large a share more than the other's best trial the worst is beyond noise."""


@dataclass(frozen=True, slots=True)
class _Served:
    """What became of the requests of one phase of one trial, and how its connections were used."""

    requests: int
    refused: int
    in_time: int
    out: int
    held_ms: float | None

    @property
    def refused_share(self) -> float:
        return self.refused / self.requests

    @property
    def in_time_share(self) -> float:
        return self.in_time / self.requests


_Trials = Mapping[str, Sequence[_Served]]
"""The trials of one subject, by phase."""


@rules_on("remedy-bigger-pool")
def remedy_bigger_pool(evidence: Evidence) -> Found:
    """Supported where 20+40 cures every reason that exhausts 10+20; with more threads it says what they add."""
    measured = evidence.of(EXPERIMENT)
    names = (CONTROL, BIGGER, *measured.tried([WITH_THREADS]))
    subjects = {name: _of(measured, name) for name in names}
    control, bigger, threads = subjects[CONTROL], subjects[BIGGER], subjects.get(WITH_THREADS)
    reasons = _exhausted(control)
    found = _remedy(reasons, BIGGER, subjects)
    condition = f"def endpoints in AnyIO's {USUAL_THREADS} threads."
    if threads is not None:
        by_threads = [reason for reason in reasons if _cures(threads[reason])]
        condition += f" With {MORE_THREADS} of them 20+40 cured {_named(by_threads)}."
    condition += " A larger pool lets more wait at once; it makes nothing that they wait for any faster."
    if (out := max(one.out for reason in reasons for one in bigger[reason])) > USUAL_THREADS:
        condition += (
            f" Up to {out} connections were out with {USUAL_THREADS} threads: a request holds one, not a thread."
        )
    turns = []
    if {SLOW, SLOWER} <= set(reasons):
        for name, trials in subjects.items():
            if name != CONTROL and _cures(trials[SLOW]) and not _cures(trials[SLOWER]):
                turns.append(
                    Turn(
                        of=f"slow statements with {TITLES[name]}",
                        low=BEYOND_30_PER_S,
                        high=BEYOND_40_PER_S,
                        unit="/s",
                        holds="below",
                    )
                )
    return Found(found.verdict, found.said, condition, found.figures, tuple(turns))


@rules_on("remedy-shorter-hold")
def remedy_shorter_hold(evidence: Evidence) -> Found:
    """Supported where fetching fewer columns cures every reason that exhausts the same pool with all of them."""
    measured = evidence.of(EXPERIMENT)
    control, fewer = _of(measured, CONTROL), _of(measured, FEWER)
    found = _remedy(_exhausted(control), FEWER, {CONTROL: control, FEWER: fewer})
    condition = (
        "It helps where the bytes of the rows are what holds the connection: there it was held for "
        f"{_held(fewer['wide'])} instead of {_held(control['wide'])}, at the median."
    )
    return Found(found.verdict, found.said, condition, found.figures)


@rules_on("remedy-cache")
def remedy_cache(evidence: Evidence) -> Found:
    """Supported where the cache cures every reason; each stale read is counted, as its price."""
    measured = evidence.of(EXPERIMENT)
    control, cached = _of(measured, CONTROL), _of(measured, CACHED)
    found = _remedy(_exhausted(control), CACHED, {CONTROL: control, CACHED: cached})
    stale, reads = zip(*(_stale(trial) for trial in measured.trials(SCENARIO, CACHED)), strict=True)
    right, right_reads = zip(*(_stale(trial) for trial in measured.trials(SCENARIO, CONTROL)), strict=True)
    figures = (
        figure_over("reads of the old balance after an own acknowledged write", stale, where=TITLES[CACHED]),
        figure_over("reads by those who know the balance", reads, where=TITLES[CACHED]),
        figure_over("reads of the old balance after an own acknowledged write", right, where=TITLES[CONTROL]),
        figure_over("reads by those who know the balance", right_reads, where=TITLES[CONTROL]),
    )
    if any(right):
        said = "Reads without a cache were stale, too, so that nothing can be laid to it."
        return Found(RulingVerdict.INCONCLUSIVE, said, figures=(*figures, *found.figures))
    said = (
        f"{found.said} {between(stale)} of {between(reads)} reads by clients who had changed a balance showed the "
        "old one; without the cache none did."
    )
    condition = (
        "It helps where what is read is in the cache already. lru_cache takes nothing out that has changed."
    )
    return Found(found.verdict, said, condition, (*figures, *found.figures))


@rules_on("recommended")
def recommended(evidence: Evidence) -> Found:
    """Refuted where another pool serves more in time beyond noise under some reason; supported where none of all
    does, and none keeps up with it everywhere.
    """
    measured = evidence.of(EXPERIMENT)
    tried = (RECOMMENDED, CONTROL, *measured.tried((BIGGER, WITH_THREADS)))
    pools = {name: _of(measured, name) for name in tried}
    own = pools[RECOMMENDED]
    reasons = _exhausted(pools[CONTROL])
    others = {name: trials for name, trials in pools.items() if name != RECOMMENDED}
    better = {
        reason: [TITLES[name] for name, other in others.items() if _beats(other[reason], own[reason])]
        for reason in reasons
    }
    beaten = [reason for reason in reasons if better[reason]]
    best = [reason for reason in reasons if all(_beats(own[reason], other[reason]) for other in others.values())]
    level = [reason for reason in reasons if reason not in beaten and reason not in best]
    by = "; ".join(f"{REASONS[reason]}: by {' and '.join(better[reason])}" for reason in beaten)
    said = (
        f"Of {len(reasons)} loads beyond 10+20 it was best in {len(best)}, within noise of another in "
        f"{len(level)} and worse in {len(beaten)}{f' ({by})' if by else ''}."
    )
    untried = [TITLES[name] for name in (BIGGER, WITH_THREADS) if name not in others]
    equal = [
        TITLES[name]
        for name, other in others.items()
        if not any(_beats(own[reason], other[reason]) for reason in reasons)
    ]
    said += f" It was nowhere better than {' or '.join(equal)}." if equal and not beaten else ""
    condition = (
        f"Compared with {', '.join(TITLES[name] for name in others)}, by the share answered in {DEADLINE_MS} ms. "
        f"Best in {_named(best)}; within noise in {_named(level)}. Sizes were compared: the rest of what is "
        "recommended was the same for all."
    )
    condition += f" Not compared with {', '.join(untried)}." if untried else ""
    verdict = RulingVerdict.INCONCLUSIVE if untried or equal else RulingVerdict.SUPPORTED
    if beaten:
        verdict = RulingVerdict.REFUTED
    return Found(verdict, said, condition, _figures(reasons, pools))


def _remedy(reasons: Sequence[str], name: str, subjects: Mapping[str, _Trials]) -> Found:
    trials = subjects[name]
    cured = [reason for reason in reasons if _cures(trials[reason])]
    missed = [reason for reason in reasons if reason not in cured]
    said = f"Of {len(reasons)} loads that exhaust 10+20 it cured {len(cured)}: {_named(cured)}"
    said += f". It did not cure {_named(missed)}." if missed else "."
    verdict = RulingVerdict.REFUTED if missed else RulingVerdict.SUPPORTED
    return Found(verdict, said, figures=_figures(reasons, subjects))


def _exhausted(control: _Trials) -> list[str]:
    """Reasons that exhaust 10+20 in every trial. Raises MissingEvidenceError where there are too few."""
    found = [reason for reason in REASONS if all(one.refused_share >= EXHAUSTED_FROM for one in control[reason])]
    if len(found) < FEWEST_EXHAUSTED:
        raise MissingEvidenceError(
            f"10+20 was exhausted by {_named(found)} only, and {FEWEST_EXHAUSTED} loads at least should do that"
        )
    return found


def _cures(trials: Sequence[_Served]) -> bool:
    return all(one.refused_share <= CURED_REFUSED and one.in_time_share >= CURED_IN_TIME for one in trials)


def _beats(one: Sequence[_Served], other: Sequence[_Served]) -> bool:
    return min(each.in_time_share for each in one) > max(each.in_time_share for each in other) + MARGIN


def _of(measured: Measured, name: str) -> _Trials:
    trials = [_served(trial) for trial in measured.require_trials(SCENARIO, name)]
    return {reason: [served[reason] for served in trials] for reason in REASONS}


def _served(trial: Trial) -> dict[str, _Served]:
    """By reason. Gone through once, as the cells are decoded each time."""
    requests, in_time = requests_of(trial), Counter[str]()
    for cell in trial.cells:
        if (cell.key.measure, cell.key.outcome) == (Measure.RESPONSE, Outcome.OK):
            in_time[cell.key.phase] += count_up_to_ns(cell.counters, DEADLINE_MS * 1_000_000)
    return {phase: _served_in(trial, phase, requests, in_time[phase]) for phase in REASONS}


def _served_in(trial: Trial, phase: str, requests: Counter[Ended], in_time: int) -> _Served:
    sent = count_of(requests, lambda ended: ended.phase == phase)
    if sent < FEWEST_REQUESTS:
        raise MissingEvidenceError(
            f"only {sent} requests in {phase} of trial {trial.record.spec.id}, of {FEWEST_REQUESTS} at least"
        )
    return _Served(
        requests=sent,
        refused=count_of(requests, lambda ended: (ended.phase, ended.outcome) == (phase, Outcome.REFUSED)),
        in_time=in_time,
        out=max(reading.checked_out for reading in within(trial, phase, PoolReading)),
        held_ms=next(
            (
                reading.p50_ms
                for reading in trial.readings_of(TimesReading)
                if (reading.phase, reading.of) == (phase, "held")
            ),
            None,
        ),
    )


def _stale(trial: Trial) -> tuple[int, int]:
    """Stale reads, and all reads by those who know what is right."""
    requests = requests_of(trial)
    stale = count_of(requests, lambda ended: (ended.phase, ended.kind) == (BOOKS, STALE))
    right = count_of(
        requests,
        lambda ended: (ended.phase, ended.operation, ended.outcome) == (BOOKS, "read_own", Outcome.OK),
    )
    if stale + right < FEWEST_READS:
        raise MissingEvidenceError(
            f"only {stale + right} reads in {BOOKS} of trial {trial.record.spec.id}, of {FEWEST_READS} at least"
        )
    written = count_of(
        requests,
        lambda ended: (ended.phase, ended.operation, ended.outcome) == (BOOKS, "transfer", Outcome.OK),
    )
    if written < FEWEST_WRITES:
        raise MissingEvidenceError(
            f"only {written} transfers in {BOOKS} of trial {trial.record.spec.id}, of {FEWEST_WRITES} at least"
        )
    return stale, stale + right


def _named(reasons: Iterable[str]) -> str:
    return "; ".join(REASONS[reason] for reason in reasons) or "none"


def _held(trials: Sequence[_Served]) -> str:
    known = [round(one.held_ms) for one in trials if one.held_ms is not None]
    return f"{between(known)} ms" if known else "an unknown time"


def _figures(reasons: Sequence[str], subjects: Mapping[str, _Trials]) -> tuple[Figure, ...]:
    found: list[Figure] = []
    for reason in reasons:
        for name, trials in subjects.items():
            where = f"{REASONS[reason]}; {TITLES[name]}"
            found += [
                figure_over(
                    f"answered in {DEADLINE_MS} ms",
                    [percent(one.in_time, one.requests) for one in trials[reason]],
                    "%",
                    where,
                ),
                figure_over("refused", [one.refused for one in trials[reason]], where=where),
                figure_over("connections out at most", [one.out for one in trials[reason]], where=where),
            ]
            held = [one.held_ms for one in trials[reason] if one.held_ms is not None]
            found += [figure_over("connection held, median", held, "ms", where)] if held else []
    return tuple(found)
