"""What is held against figures: checks, rules, circumstances, the noise floor, caveats."""

from __future__ import annotations

from enum import StrEnum

from pydantic import AliasChoices, Field

from reports.summary.figures import Result


class CheckVerdict(StrEnum):
    PASSED = "passed"
    BROKEN = "broken"
    UNDECIDED = "undecided"  # the evidence is missing; never counts as passed


class CheckResult(Result):
    """A scenario's expectation, evaluated for one target."""

    kind: str
    limit: float | None
    verdict: CheckVerdict
    evidence: str


class LimitResult(Result):
    """An absolute limit of the plan's, held against one target at the place where it is kept the least.

    `value` is in the limit's own unit, None where it is not known; `phase` is empty of what holds for a trial.
    """

    name: str  # such as `p99_ms`
    limit: float
    value: float | None
    phase: str = ""
    route: str = "all"
    verdict: CheckVerdict
    evidence: str

    @property
    def words(self) -> str:
        """Such as `p99_ms at most 250`."""
        return f"{self.name} {self._bound} {self.limit:g}"

    @property
    def sentence(self) -> str:
        """What was seen, and what is allowed."""
        return f"{self.evidence}; {self._bound} {self.limit:g} is allowed"

    @property
    def _bound(self) -> str:
        return "at least" if self.name.endswith("_min") else "at most"


class OracleVerdict(StrEnum):
    PASSED = "passed"
    BROKEN = "broken"
    UNKNOWN = "unknown"  # too little evidence, or none that can be believed; never counts as passed


class OracleFigure(Result):
    """What an oracle measured. It lies between `low` and `high`; None for what is not known."""

    name: str
    unit: str
    value: float | None = None
    low: float | None = None
    high: float | None = None


class OracleResult(Result):
    """What an oracle says of one target under one scenario, over all usable trials: the worst of them speaks."""

    oracle: str
    verdict: OracleVerdict
    said: str  # one sentence without its full stop
    evidence: int  # how many observations it rests on
    figures: tuple[OracleFigure, ...] = ()


class TrialLine(Result):
    """How one trial ended: `completed`, `failed`, `aborted`, `not-run`, or `invalid`.

    An invalid trial was carried through, but its figures must not be used: either the harness said so, or a rule
    of `reports.analysis.validity` did (their names are in `rules`). It is in no figure of a Summary. `reason` says
    what was seen and `advice` what to try next; both are empty for a completed trial.
    """

    id: str
    repetition: int
    state: str
    reason: str
    advice: str = ""
    rules: tuple[str, ...] = ()


class LedgerRow(Result):
    """One circumstance that could tilt the comparison: its value as text for each target.

    A target to which it does not apply, or of which it is not known, has None, which counts as no difference.
    `differs` tells whether the compared targets (repeated ones left out) have more than one value.
    """

    name: str  # such as `connections allowed`
    values: dict[str, str | None]
    differs: bool


class Ledger(Result):
    """The fairness ledger of one scenario: the targets in order, and every circumstance known."""

    targets: tuple[str, ...]
    rows: tuple[LedgerRow, ...]


class NoiseFloor(Result):
    """How far apart two runs of one target come out in one phase, as a factor of 1 or more.

    `p50` and `p99` are exp of the largest |ln ratio| that `target`, a twin of the target that it `repeats`, shows:
    at the ends of the 95 % interval over three or more repetitions, else at the single repetitions' ratios. Where
    several targets are repeated, the largest floor of a phase and operation is what each Ratio is held against.
    """

    phase: str
    operation: str
    target: str
    repeats: str = Field(validation_alias=AliasChoices("repeats", "same_as"))  # the latter until version 3
    p50: float | None
    p99: float | None
    repetitions: int


class Caveat(Result):
    """What limits the figures, and what to try next. `code` is stable.

    What holds in several places is told once, with the scope `run`; `places` then lists them all, each as
    `scenario/target`.
    """

    code: str
    scope: str  # `run`, a scenario, or `scenario/target`
    text: str
    advice: str
    places: tuple[str, ...] = ()
