"""Stretches in which a client waits for a server that, as far as it knows, has answered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from harness.records import Outcome, PoolReading
from reports.diagnosis.evidence import NS_PER_S, Evidence, stretches
from reports.diagnosis.rule import CannotTell, Stretch

LEAST_S = 1.5
"""So long at the least nothing moves."""
OF_STALL = 0.7
"""A request waited for so much of it."""
SILENT = ("timeout", "freeze")
"""Faults in which nothing is refused and nothing answered."""
KEEPING_BACK = (*SILENT, "proxy-down", "bandwidth", "dropped-packets")
"""Faults that keep the server's answers from the app."""


@dataclass(frozen=True, slots=True)
class Stall:
    """From when until when the pool stood still, how long the longest request waited, and whether a fault that is
    marked had made the link silent.
    """

    start_ns: int
    end_ns: int
    longest_ms: float
    is_marked: bool

    @property
    def length_s(self) -> float:
        """In seconds."""
        return (self.end_ns - self.start_ns) / NS_PER_S

    def moment(self, what: str) -> Stretch:
        """As a moment of a finding."""
        return self.start_ns / NS_PER_S, self.end_ns / NS_PER_S, what


def without_gauges(evidence: Evidence) -> CannotTell | None:
    """What a rule says of a pool that nothing tells of: what hangs is not known where something may."""
    if longest_ms(evidence) < 1000 * LEAST_S:
        return None
    return CannotTell(
        "requests wait long; what hangs, statement, ping or connecting, is told by the pool's gauges"
    )


def longest_ms(evidence: Evidence) -> float:
    """The longest that a request waited, however it ended."""
    return max(side.quantiles_ms(1000)[0] or 0.0 for side in (evidence.successes(), evidence.failures()))


def unanswered(evidence: Evidence) -> int:
    """Requests that were under way when the load ended, or that the client gave up."""
    given_up = evidence.kinds_of_failure().get("client-timeout", 0)
    return given_up + sum(evidence.fold(span.name).outcomes[Outcome.ABORTED.value] for span in evidence.phases)


def stall(evidence: Evidence, holds: Callable[[PoolReading], bool]) -> Stall | None:
    """The longest stretch under load in which it holds, the pool moves not at all, and the server has no work.

    None without one, where no request waited as long, or where the server was at work meanwhile.
    """
    under_load = [one for one in evidence.pool if one.t_ns <= evidence.end_ns]
    last = {
        one.t_ns: one.checkouts_total == before.checkouts_total and one.statements_total == before.statements_total
        for before, one in pairwise(under_load)
    }
    found = stretches(under_load, lambda one: holds(one) and last.get(one.t_ns, False), LEAST_S)
    if not found:
        return None
    start_ns, end_ns = max(found, key=lambda span: span[1] - span[0])
    at_work = [one.active for one in evidence.sessions if start_ns + NS_PER_S // 2 <= one.t_ns <= end_ns]
    if not at_work or any(at_work):
        return None
    waited_ms = longest_ms(evidence)
    if not unanswered(evidence) and waited_ms < OF_STALL * (end_ns - start_ns) / 1e6:
        return None
    return Stall(start_ns, end_ns, waited_ms, evidence.in_fault((start_ns + end_ns) // 2, SILENT))
