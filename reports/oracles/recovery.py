"""Recovery: after a healing requests succeed again, as fast as before. What the end cuts off stays open."""

from __future__ import annotations

from reports.oracles.cases import BROKEN, PASSED, UNKNOWN, Case, Judgement, Return, oracle
from reports.summary import OracleFigure

FEWEST_REQUESTS = 10
"""After the healing: of fewer, nothing can be said."""
LONGEST_MS = 5_000.0
"""Who has been watched for so long after a healing, and is not back, has not recovered."""


@oracle("recovery")
def recovery(case: Case) -> Judgement:
    """Each healed fault: to the first success, to the usual median, to the usual p99."""
    if not case.returns:
        return Judgement(UNKNOWN, "no fault was healed")
    count = sum(one.requests for one in case.returns)
    figures = (
        _figure("to the first success", case, "first_success_ms"),
        _figure("to the usual p50", case, "normal_p50_ms"),
        _figure("to the usual p99", case, "normal_p99_ms"),
    )
    judged = [_judge(one) for one in case.returns]
    for verdict in (BROKEN, UNKNOWN):
        if said := next((words for found, words in judged if found is verdict), ""):
            return Judgement(verdict, said, count, figures)
    healings = "the healing" if len(judged) == 1 else f"each of {len(judged)} healings"
    slowest_ms = max(one.normal_p50_ms or 0.0 for one in case.returns)
    return Judgement(PASSED, f"the usual p50 was back {slowest_ms:.0f} ms after {healings}", count, figures)


def _judge(one: Return) -> tuple[object, str]:
    where = f"{one.kind} in {one.phase}"
    if one.requests < FEWEST_REQUESTS:
        return UNKNOWN, f"{where}: {one.requests} requests after the healing, of {FEWEST_REQUESTS} at least"
    long_enough = one.watched_ms >= LONGEST_MS
    for after_ms, what in ((one.first_success_ms, "success"), (one.normal_p50_ms, "usual p50")):
        if after_ms is None:
            if what != "success" and one.normal == 0:
                return UNKNOWN, f"{where}: what is usual under this load was not measured"
            said = f"{where}: no {what} in the {one.watched_ms:.0f} ms after the healing"
            return (BROKEN if long_enough else UNKNOWN), said
    return PASSED, ""


def _figure(name: str, case: Case, field: str) -> OracleFigure:
    """The slowest healing; where one was cut off by the end, as much as it took at least."""
    known = [getattr(one, field) for one in case.returns]
    if None not in known:
        return OracleFigure(name=name, unit="ms", value=max(known), low=min(known), high=max(known))
    return OracleFigure(
        name=name, unit="ms", low=max(one.watched_ms for one in case.returns if getattr(one, field) is None)
    )
