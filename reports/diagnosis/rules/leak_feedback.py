"""leak-feedback: what is refused under load keeps its connection, so that the service never recovers from it."""

from __future__ import annotations

from collections.abc import Sequence

from reports.analysis.windows import PhaseSpan
from reports.diagnosis.evidence import NS_PER_S, Evidence, Source, grown
from reports.diagnosis.figures import last_told, told
from reports.diagnosis.rule import CannotTell, Rule, Seen

REFUSALS = frozenset({"http-429", "http-503", "pool-exhausted"})
OF_FAILURES = 0.5
"""While connections began to be lost, so many of the failures were refusals, or the pool had given up."""
CALMER = 0.7
"""The load has fallen to less than so much of what it was."""
FAILING = 0.5
"""And so many requests fail all the same."""
EARLIER = 0.05
"""Before the load rose hardly any did."""


def look(evidence: Evidence) -> Seen | CannotTell | None:
    """A leak that begins with refusals, and that outlasts the load that they came of."""
    if told(evidence, "abandoned_total") is None:
        return CannotTell("this probe does not tell of connections whose request has ended")
    out = evidence.pool_at_end.checked_out if evidence.pool_at_end else 0
    still, limit = last_told(evidence, "abandoned") or 0, evidence.limit
    if limit is None or not still or not out:
        return None
    spans = [span for span in evidence.phases if evidence.start_ns <= span.start_ns]
    leaking = _first_leaking(evidence, spans)
    if leaking is None or not _is_of_refusals(evidence, leaking):
        return None
    if any(_failing(evidence, span) > EARLIER for span in spans if span.end_ns <= leaking.start_ns):
        return None
    heavy = max(spans, key=lambda span: _rate(evidence, span))
    calm = [
        span
        for span in spans
        if span.start_ns >= heavy.end_ns and _rate(evidence, span) < CALMER * _rate(evidence, heavy)
    ]
    stuck = [span for span in calm if _failing(evidence, span) >= FAILING]
    if not stuck:
        return None
    return Seen(
        said=(
            f"{still} of {limit} connections were out with nobody to give them back, lost from the "
            f"{leaking.name} phase on, in which requests were refused",
            f"the load fell from {_rate(evidence, heavy):.0f} to {_rate(evidence, stuck[-1]):.0f} requests a "
            f"second, and {_failing(evidence, stuck[-1]):.0%} of them failed still",
        ),
        moments=tuple(
            (one.start_ns / NS_PER_S, one.end_ns / NS_PER_S, "the load is gone, and nothing recovers")
            for one in stuck
        ),
        ruled_out=("no backlog: what is out belongs to requests that have ended",),
    )


def _first_leaking(evidence: Evidence, spans: Sequence[PhaseSpan]) -> PhaseSpan | None:
    for span in spans:
        of_phase = [
            one.abandoned_total
            for one in evidence.inside
            if one.abandoned_total is not None and span.start_ns <= one.t_ns <= span.end_ns
        ]
        if grown(of_phase):
            return span
    return None


def _is_of_refusals(evidence: Evidence, span: PhaseSpan) -> bool:
    kinds = evidence.kinds_of_failure([span.name])
    refused = sum(count for kind, count in kinds.items() if kind in REFUSALS)
    given_up = grown([one.timed_out_total for one in evidence.pool if span.start_ns <= one.t_ns <= span.end_ns])
    return refused + given_up >= OF_FAILURES * max(1, sum(kinds.values()))


def _rate(evidence: Evidence, span: PhaseSpan) -> float:
    sent = sum(evidence.fold(span.name).outcomes.values())
    return sent / max((span.end_ns - span.start_ns) / NS_PER_S, 0.001)


def _failing(evidence: Evidence, span: PhaseSpan) -> float:
    fold = evidence.fold(span.name)
    sent = sum(fold.outcomes.values())
    return 1 - fold.success.total / sent if sent else 0.0


RULE = Rule(
    id="leak-feedback",
    title="Refused requests keep their connections: the service does not recover when the load falls",
    needs=(frozenset({Source.POOL, Source.INSIDE}),),
    remedy=(
        "Give the connection back in a `finally` or by `with`, whatever ends the request; and refuse before "
        "a connection is taken, not after. Until then only a restart helps"
    ),
    look=look,
)
