"""The acquire contract: nobody waits for a connection longer than the pool's timeout."""

from __future__ import annotations

from reports.oracles.cases import BROKEN, PASSED, UNKNOWN, Case, Judgement, oracle
from reports.summary import OracleFigure

FEWEST_WAITS = 20
MARGIN_MS = 250.0
MARGIN_SHARE = 0.25
"""A waiter whose time is up has to be woken: so much later than its timeout, or by this share of it, it may be."""


@oracle("acquire")
def acquire(case: Case) -> Judgement:
    """Every connection that was given and every refusal, as the target's Server-Timing has them. What opening and
    testing a connection took is not waiting, and taken off.
    """
    timeout_s = case.trial.record.target.settings.get("pool_timeout_s")
    count = sum(wait.count for wait in case.waits)
    if not isinstance(timeout_s, int | float) or isinstance(timeout_s, bool):
        return Judgement(UNKNOWN, "the pool has no timeout, or the target did not tell it", count)
    if not count:
        return Judgement(UNKNOWN, "no answer told how long its connection was waited for")
    timeout_ms = timeout_s * 1000
    limit_ms = timeout_ms + max(MARGIN_MS, MARGIN_SHARE * timeout_ms)
    longest = max(case.waits, key=lambda wait: wait.longest_ms - wait.own_ms)
    waited_ms = max(longest.longest_ms - longest.own_ms, 0.0)
    figures = (
        OracleFigure(name="longest wait for a connection", unit="ms", value=waited_ms, high=longest.longest_ms),
    )
    said = f"the longest wait was {waited_ms:.3g} ms ({longest.where}), of {timeout_ms:g} ms allowed"
    if waited_ms > limit_ms:
        return Judgement(BROKEN, said, count, figures)
    if count < FEWEST_WAITS:
        said = f"{count} waits for a connection were told, of {FEWEST_WAITS} at least"
        return Judgement(UNKNOWN, said, count, figures)
    return Judgement(PASSED, said, count, figures)
