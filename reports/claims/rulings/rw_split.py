"""Does a replica relieve the primary, and do reads on it stay right?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import median

from harness.records import DatabaseReading, Outcome, ReplicationReading
from reports.analysis.oracles import NEVER_SENT
from reports.claims.base import Figure, RulingVerdict
from reports.claims.evidence import Evidence, Measured, MissingEvidenceError
from reports.claims.rules import Found, rules_on
from reports.claims.trials import (
    Ended,
    between,
    count_of,
    figure_over,
    requests_of,
    span_ns,
    spread_of,
    within,
)
from reports.oracles.history import History, read_history
from reports.oracles.staleness import Delay, delays
from reports.read import Trial
from scenarios import own_writes, rw_split

OWN_WRITES, SPLIT = "own-writes", "rw-split"
PRIMARY_ONLY, REPLICA, STICKY = "sync-pool", "rw-split", "rw-split-sticky"
NAMES = {
    PRIMARY_ONLY: "primary alone",
    REPLICA: "reads on the replica",
    STICKY: "reads on the replica, absent ones on the primary",
}
NEAR, LATE = "near", "late"
WHERE = {NEAR: "replica at hand", LATE: f"replica {own_writes.LATE_MS} ms behind"}
FEWEST_FOLLOWED = 20
GONE = ("replica", "primary")
RELIEF = 0.8
"""At most so large a share of the primary's processor time is relief."""
FEWEST_SERVED = 50
"""Requests in a trial of the relief: what nobody was served with costs nothing."""
FEWEST_SEEN_LATE = 3
SEEN_LATE_MS = own_writes.LATE_MS / 2
"""So many readings that tell at least so much, at the median, show that the replica was behind."""


@dataclass(frozen=True, slots=True)
class _Looked:
    """Own writes that were looked for in one phase of one trial, those missed, and how late they were: medians of
    the lower bound, of the upper one, and of the middle between both. `behind_ms` is how far behind the primary
    knew the replica to be meanwhile, at the median; None where it told too seldom. `on_replica` is the most
    sessions that the service had there.
    """

    trial: str
    behind_ms: float | None
    on_replica: int
    writes: int
    missed: int
    low_ms: float
    middle_ms: float | None
    high_ms: float | None

    @property
    def seen_late(self) -> bool:
        """Whether it was behind, and asked."""
        return self.on_replica > 0 and self.behind_ms is not None and self.behind_ms >= SEEN_LATE_MS


@dataclass(frozen=True, slots=True)
class _Relief:
    """The primary in one trial, and requests that failed while one of the two was gone."""

    cpu_ms: float
    sessions: int
    failed: dict[str, int]


@rules_on("rw-split")
def rw_split_relieves_and_stays_right(evidence: Evidence) -> Found:
    """Both halves have to hold: reads find own writes, and the primary works less."""
    measured = evidence.of(OWN_WRITES)
    looked = {name: _looked(measured, name) for name in NAMES}
    figures = [
        figure
        for name, phases in looked.items()
        for phase, each in phases.items()
        for figure in _figures(each, f"{WHERE[phase]}, {NAMES[name]}")
    ]
    relief, relief_figures, relieved = _relief(evidence)
    figures += relief_figures
    if any(one.missed for phase in looked[PRIMARY_ONLY].values() for one in phase):
        said = "Own writes were missed on the primary alone, too, so that nothing can be laid to the replica."
        return Found(RulingVerdict.INCONCLUSIVE, said, figures=tuple(figures))
    late, near, sticky = looked[REPLICA][LATE], looked[REPLICA][NEAR], looked[STICKY][LATE]
    missed = [one.missed for one in late]
    if unseen := [one.trial for one in late if not one.missed and not one.seen_late]:
        raise MissingEvidenceError(
            f"no own write was missed in trial {unseen[0]}, and nothing shows that the replica was late, and asked"
        )
    said = (
        f"With the replica {own_writes.LATE_MS} ms behind {_missed(late)} own writes were not there at the first "
        f"look, and came {_lateness(late)} after they were acknowledged; with it at hand {_missed(near)}.{relief}"
    )
    condition = (
        "A client that reads what it has just written. Where the primary is asked for what the replica does not "
        f"have, {_missed(sticky)} were missed"
    )
    condition += "." if all(one.seen_late for one in sticky) else ", but nothing shows that the replica was late."
    if all(missed):
        return Found(RulingVerdict.REFUTED, said, condition, tuple(figures))
    if any(missed) or any(one.missed for one in near) or relieved is None:
        return Found(RulingVerdict.INCONCLUSIVE, said, condition, tuple(figures))
    verdict = RulingVerdict.SUPPORTED if relieved else RulingVerdict.REFUTED
    return Found(verdict, said, condition, tuple(figures))


def _looked(measured: Measured, target: str) -> dict[str, Sequence[_Looked]]:
    """By phase, a figure for each trial."""
    trials = measured.require_trials(own_writes.SCENARIO.name, target)
    histories = [(trial, _history(trial)) for trial in trials]
    return {phase: [_looked_in(trial, history, phase) for trial, history in histories] for phase in WHERE}


def _history(trial: Trial) -> History:
    sent: Counter[str] = Counter()
    for ended, count in requests_of(trial).items():
        sent[ended.operation] += count if ended.kind != NEVER_SENT else 0
    history = read_history(trial, sent)
    if history.flaw:
        raise MissingEvidenceError(
            f"the history of trial {trial.record.spec.id} cannot be believed: {history.flaw}"
        )
    return history


def _looked_in(trial: Trial, history: History, phase: str) -> _Looked:
    found = delays(replace(history, writes=tuple(write for write in history.writes if write.phase == phase)))
    if len(found) < FEWEST_FOLLOWED:
        raise MissingEvidenceError(
            f"only {len(found)} own writes were looked for in {phase} of trial {trial.record.spec.id}, "
            f"of {FEWEST_FOLLOWED} at least"
        )
    return _Looked(
        trial=trial.record.spec.id,
        behind_ms=_behind_ms(trial, phase),
        on_replica=_on_replica(trial, phase),
        writes=len(found),
        missed=sum(delay.misses > 0 for delay in found),
        low_ms=median(delay.low_ms for delay in found),
        middle_ms=_median_seen(found, lambda low_ms, high_ms: (low_ms + high_ms) / 2),
        high_ms=_median_seen(found, lambda _, high_ms: high_ms),
    )


def _behind_ms(trial: Trial, phase: str) -> float | None:
    start_ns, end_ns = span_ns(trial, phase)
    told = [
        reading.replay_lag_ms
        for reading in trial.readings_of(ReplicationReading)
        if start_ns <= reading.t_ns <= end_ns and reading.replay_lag_ms is not None
    ]
    return median(told) if len(told) >= FEWEST_SEEN_LATE else None


def _on_replica(trial: Trial, phase: str) -> int:
    start_ns, end_ns = span_ns(trial, phase)
    readings = trial.readings_of(DatabaseReading)
    totals = (one.total for one in readings if not one.of_primary and start_ns <= one.t_ns <= end_ns)
    return max(totals, default=0)


def _median_seen(found: Sequence[Delay], of: Callable[[float, float], float]) -> float | None:
    """Of something between the bounds; None where half of them were never seen."""
    known = sorted(of(delay.low_ms, delay.high_ms) for delay in found if delay.high_ms is not None)
    place = len(found) // 2
    return known[place] if place < len(known) else None


def _failed(requests: Counter[Ended], phase: str) -> int:
    return count_of(requests, lambda ended: ended.phase == phase and ended.outcome != Outcome.OK)


def _missed(looked: Sequence[_Looked]) -> str:
    return f"{between([one.missed for one in looked])} of {between([one.writes for one in looked])}"


def _lateness(looked: Sequence[_Looked]) -> str:
    """The middle, and between what; a look tells only that a write came after the one before."""
    middles = [round(one.middle_ms) for one in looked if one.middle_ms is not None]
    highs = [one.high_ms for one in looked if one.high_ms is not None]
    low = min(one.low_ms for one in looked)
    return f"{between(middles)} ms ({low:.0f} to {max(highs):.0f})" if highs else f"more than {low:.0f} ms"


def _relief(evidence: Evidence) -> tuple[str, list[Figure], bool | None]:
    """What the primary was spared; None where that was not measured."""
    if SPLIT not in evidence.measured:
        return "", [], None
    measured = evidence.of(SPLIT)
    seen = {name: _relieved(measured, name) for name in (PRIMARY_ONLY, REPLICA)}
    alone, split = seen[PRIMARY_ONLY], seen[REPLICA]
    figures = [figure for name, each in seen.items() for figure in _relief_figures(each, NAMES[name])]
    said = (
        f" The primary took {_cpu(split)} ms of processor time a served request instead of {_cpu(alone)}, and had "
        f"{_sessions(split)} sessions instead of {_sessions(alone)}."
    )
    return said, figures, max(one.cpu_ms for one in split) <= RELIEF * min(one.cpu_ms for one in alone)


def _relieved(measured: Measured, target: str) -> Sequence[_Relief]:
    return [_relief_of(trial) for trial in measured.require_trials(rw_split.SCENARIO.name, target)]


def _relief_of(trial: Trial) -> _Relief:
    requests, cpu_s = requests_of(trial), trial.record.cpu_s.get("primary")
    served = count_of(requests, lambda ended: ended.outcome == Outcome.OK)
    if not cpu_s:
        raise MissingEvidenceError(f"the primary's processor time is not known of trial {trial.record.spec.id}")
    if served < FEWEST_SERVED:
        raise MissingEvidenceError(
            f"only {served} requests were served in trial {trial.record.spec.id}, of {FEWEST_SERVED} at least"
        )
    sessions = [reading.total for reading in within(trial, "healthy", DatabaseReading)]
    return _Relief(
        cpu_ms=1000 * cpu_s / served,
        sessions=max(sessions),
        failed={f"{part}-gone": _failed(requests, f"{part}-gone") for part in GONE},
    )


def _sessions(relief: Sequence[_Relief]) -> str:
    return between([one.sessions for one in relief])


def _cpu(relief: Sequence[_Relief]) -> str:
    low, high = (f"{end:.2f}" for end in (min(one.cpu_ms for one in relief), max(one.cpu_ms for one in relief)))
    return low if low == high else f"{low} to {high}"


def _relief_figures(relief: Sequence[_Relief], where: str) -> tuple[Figure, ...]:
    times = [one.cpu_ms for one in relief]
    return (
        spread_of("processor time of the primary, a served request", times, "ms", where),
        figure_over("sessions on the primary", [one.sessions for one in relief], where=where),
        figure_over(
            "failed while the replica is gone", [one.failed["replica-gone"] for one in relief], where=where
        ),
        figure_over(
            "failed while the primary is gone", [one.failed["primary-gone"] for one in relief], where=where
        ),
    )


def _figures(looked: Sequence[_Looked], where: str) -> tuple[Figure, ...]:
    middles = [one.middle_ms for one in looked if one.middle_ms is not None]
    highs = [one.high_ms for one in looked if one.high_ms is not None]
    return (
        figure_over("own writes looked for", [one.writes for one in looked], where=where),
        figure_over("not there at the first look", [one.missed for one in looked], where=where),
        spread_of("replica behind, median", [one.behind_ms for one in looked], "ms", where),
        spread_of("staleness, median, at least", [one.low_ms for one in looked], "ms", where),
        spread_of("staleness, median", middles if len(middles) == len(looked) else [], "ms", where),
        spread_of("staleness, median, at most", highs if len(highs) == len(looked) else [], "ms", where),
    )
