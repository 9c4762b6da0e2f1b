"""What the oracles are asked about: a trial as it was observed, as a case of theirs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from harness.records import Measure
from reports.analysis.folding import ALL, Observed, PhaseFold
from reports.oracles import judge_all
from reports.oracles.cases import Case, Disturbance, Wait
from reports.oracles.history import read_history
from reports.summary import OracleResult

NEVER_SENT = "never-sent"
"""The kind of an arrival that failed before it came to sending; it is in no history."""


def oracle_results(observed: Sequence[Observed]) -> tuple[OracleResult, ...]:
    """What each oracle says of the usable trials of one target under one scenario."""
    return judge_all([case_of(one) for one in observed])


def case_of(one: Observed) -> Case:
    """A trial as the oracles see it."""
    return Case(
        trial=one.trial,
        history=read_history(one.trial, _sent(one)),
        waits=tuple(_waits(one)),
        returns=one.fold.returns,
        disturbances=tuple(Disturbance(span.inject_begin_ns, span.heal_done_ns) for span in one.course.faults),
    )


def _sent(one: Observed) -> Counter[str]:
    """Requests that came to be sent, by operation."""
    sent: Counter[str] = Counter()
    for (_, operation), fold in one.fold.phases.items():
        if operation != ALL:
            sent[operation] += sum(fold.outcomes.values())
    for (_, operation, _, kind), count in one.fold.errors.items():
        if kind == NEVER_SENT:
            sent[operation] -= count
    return sent


def _waits(one: Observed) -> Iterator[Wait]:
    """How long connections were waited for, by phase and operation."""
    for (phase, operation), fold in one.fold.phases.items():
        if operation == ALL:
            continue
        given = fold.parts.get(Measure.ACQUIRE)
        if given is not None and given.total:
            own_ms = _longest_ms(fold, Measure.CONNECT) + _longest_ms(fold, Measure.PING)
            yield Wait(f"{operation} in {phase}", given.total, given.quantiles_ms(1000)[0] or 0.0, own_ms)
        if fold.refused_acquire.total:
            longest_ms = fold.refused_acquire.quantiles_ms(1000)[0] or 0.0
            yield Wait(
                f"{operation} refused in {phase}", fold.refused_acquire.total, longest_ms, 0.0, refused=True
            )


def _longest_ms(fold: PhaseFold, measure: Measure) -> float:
    part = fold.parts.get(measure)
    return (part.quantiles_ms(1000)[0] or 0.0) if part is not None else 0.0
