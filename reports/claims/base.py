"""A ruling: what measurement says of one statement. Frozen, and JSON-able through `pydantic`."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from reports.summary import Result

CLAIMS_REPORT_FORMAT = "poolstorm-rulings"
CLAIMS_REPORT_VERSION = 1


class RulingVerdict(StrEnum):
    """A statement is supported where it held wherever it was tried, and refuted where it did not hold somewhere
    that it speaks of; what was tried too little, or contradicts itself, is inconclusive.
    """

    SUPPORTED = "supported"
    REFUTED = "refuted"
    INCONCLUSIVE = "inconclusive"


class Figure(Result):
    """A measured figure. `low` and `high` are its interval (over repetitions, or the extremes of them); None where
    there is none. `where` says under which condition, such as `no latency, trust`.
    """

    name: str
    value: float | None
    unit: str = ""
    low: float | None = None
    high: float | None = None
    where: str = ""


class Turn(Result):
    """Where a statement begins or ceases to hold: somewhere between `low` and `high` of `of`, in `unit`."""

    of: str
    low: float
    high: float
    unit: str = ""
    holds: str  # such as `above` or `below`


class Ruling(Result):
    """What is said of one statement, with everything that it rests on."""

    claim: str
    statement: str
    verdict: RulingVerdict
    said: str  # one sentence: what was seen
    condition: str = ""  # where it holds, or for which circumstances this was shown
    figures: tuple[Figure, ...] = ()
    turns: tuple[Turn, ...] = ()
    runs: tuple[str, ...] = ()  # folders of the runs behind it, within that of the claims
    trials: int = 0  # usable ones of those that it rests on
    planned: int = 0  # so many of those there were to be


class ClaimsReport(Result):
    """All rulings, in the order of the statements."""

    format: str = CLAIMS_REPORT_FORMAT
    version: int = CLAIMS_REPORT_VERSION
    claims_id: str
    created_at: datetime
    poolstorm_version: str
    quick: bool
    state: str
    reason: str = ""
    environment: dict[str, str] = {}  # noqa: RUF012 -- pydantic copies it
    rulings: tuple[Ruling, ...]

    def count(self, verdict: RulingVerdict) -> int:
        """How many statements have that verdict."""
        return sum(ruling.verdict is verdict for ruling in self.rulings)
