"""What an oracle is asked about: one trial's histories and readings, and what its latencies add up to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from reports.oracles.history import History
from reports.read import Trial
from reports.summary import OracleFigure, OracleVerdict

PASSED, BROKEN, UNKNOWN = OracleVerdict.PASSED, OracleVerdict.BROKEN, OracleVerdict.UNKNOWN


@dataclass(frozen=True, slots=True)
class Wait:
    """How long connections were waited for at one place, of so many requests: `longest_ms`, of which at most
    `own_ms` went into opening and testing the connection.
    """

    where: str
    count: int
    longest_ms: float
    own_ms: float
    refused: bool = False


@dataclass(frozen=True, slots=True)
class Return:
    """What followed a healing: of so many `requests` in `watched_ms`, when the first succeeded, and from when on
    they were as fast as before the fault, of which `normal` successes tell; None where that was not seen.
    """

    phase: str
    kind: str
    requests: int
    watched_ms: float
    normal: int
    first_success_ms: float | None
    normal_p50_ms: float | None
    normal_p99_ms: float | None


@dataclass(frozen=True, slots=True)
class Disturbance:
    """A fault, from its injection to its healing; `until_ns` is None where that never came."""

    from_ns: int
    until_ns: int | None


@dataclass(frozen=True, slots=True)
class Case:
    """One trial. Nothing of it depends on how it was recorded, so that a test can make one up."""

    trial: Trial
    history: History
    waits: tuple[Wait, ...] = ()
    returns: tuple[Return, ...] = ()
    disturbances: tuple[Disturbance, ...] = ()


@dataclass(frozen=True, slots=True)
class Judgement:
    """What an oracle says of one trial: one sentence without its full stop, and how many observations it rests
    on.
    """

    verdict: OracleVerdict
    said: str
    evidence: int = 0
    figures: tuple[OracleFigure, ...] = ()


Oracle = Callable[[Case], Judgement]
ORACLES: dict[str, Oracle] = {}
"""By name; filled as the modules of `reports.oracles` are imported."""


def oracle(name: str) -> Callable[[Oracle], Oracle]:
    """Register the function as an oracle under a name that stays."""

    def register(judge: Oracle) -> Oracle:
        ORACLES[name] = judge
        return judge

    return register


def budget_of(case: Case) -> int | None:
    """The connections that the target's pools may hold on the primary together, as it told; None for no limit, or
    where it did not.
    """
    settings = case.trial.record.target.settings
    size, overflow = settings.get("pool_size"), settings.get("max_overflow")
    if not isinstance(size, int) or not isinstance(overflow, int) or size <= 0 or overflow < 0:
        return None
    return (size + overflow) * processes_of(case)


def processes_of(case: Case) -> int:
    """The target's processes, each with pools of its own."""
    told = case.trial.record.target.settings.get("processes", 1)
    return told if isinstance(told, int) and told > 0 else 1
