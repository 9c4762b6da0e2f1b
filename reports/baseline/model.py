"""The baseline file: what was counted, what must hold, what varied, and what is accepted for a while."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from reports.gate.acceptances import Acceptance
from reports.gate.columns import Series
from reports.gate.model import Place

BASELINE_FORMAT = "poolstorm-baseline"
BASELINE_VERSION = 1
MOST_JOBS = 20
"""Past jobs that are kept of what varies; more would hardly narrow an interval."""
MOST_FINDINGS = 20_000
MOST_ACCEPTANCES = 200

LONGEST_TEXT = 300
_Text = Annotated[str, Field(max_length=LONGEST_TEXT)]
_Figure = Annotated[float, Field(ge=-1e18, le=1e18, allow_inf_nan=False)]


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Job(_Entry):
    """A run that the file was made from. `configuration` is a digest of all its scenarios."""

    run: _Text
    created_at: datetime
    poolstorm: _Text
    revision: _Text | None = None
    machine: _Text
    configuration: _Text


class _Finding(_Entry):
    target: _Text
    scenario: _Text
    phase: _Text = ""
    route: _Text = "all"
    metric: Annotated[_Text, Field(min_length=1)]

    @property
    def series(self) -> Series:
        """What it is a figure of, as the gate calls it."""
        return Series(self.metric, Place(self.target, self.scenario, self.phase, self.route))

    @property
    def name(self) -> str:
        """`target/scenario/phase/route/metric`: what acceptances name."""
        return self.series.name


class CountFinding(_Finding):
    """What one request of a route costs, asked by itself: the same in every trial. Binds."""

    kind: Literal["count"] = "count"
    value: _Figure


class InvariantFinding(_Finding):
    """What must hold, and did. Binds; what was not told is not here."""

    kind: Literal["invariant"] = "invariant"
    verdict: Literal["passed", "broken"]


class VaryingFinding(_Finding):
    """A clock, or a count under load: its figure in each job, None in those that have none. Advises."""

    kind: Literal["varying"] = "varying"
    unit: _Text
    values: Annotated[tuple[_Figure | None, ...], Field(min_length=1, max_length=MOST_JOBS)]


Finding = Annotated[CountFinding | InvariantFinding | VaryingFinding, Field(discriminator="kind")]


class OnFile(_Entry):
    """An acceptance: the findings it names, `*` for any text, why, and the last day it holds."""

    pattern: Annotated[_Text, Field(min_length=1)]
    reason: _Text
    expires: date

    @property
    def acceptance(self) -> Acceptance:
        """As the gate takes it."""
        return Acceptance(self.pattern, self.reason, self.expires)


class Baseline(_Entry):
    """The whole file. `configurations` are digests of the scenarios that its findings are of; `jobs`, oldest
    first, are those that the values of what varies stand for, one by one.
    """

    format: Literal["poolstorm-baseline"] = "poolstorm-baseline"
    version: Literal[1] = 1
    configurations: dict[str, _Text] = Field(default_factory=dict)
    jobs: Annotated[tuple[Job, ...], Field(min_length=1, max_length=MOST_JOBS)]
    findings: Annotated[tuple[Finding, ...], Field(max_length=MOST_FINDINGS)] = ()
    acceptances: Annotated[tuple[OnFile, ...], Field(max_length=MOST_ACCEPTANCES)] = ()

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        named = [(finding.kind, finding.series) for finding in self.findings]
        if len(set(named)) < len(named):
            raise ValueError("a finding is there twice")
        for finding in self.findings:
            if isinstance(finding, VaryingFinding) and len(finding.values) != len(self.jobs):
                raise ValueError(f"{finding.name} has {len(finding.values)} values of {len(self.jobs)} jobs")
            if finding.scenario not in self.configurations:
                raise ValueError(f"{finding.name} is of a scenario without a configuration")
        patterns = [one.pattern for one in self.acceptances]
        if len(set(patterns)) < len(patterns):
            raise ValueError("an acceptance is there twice")
        return self

    @property
    def all_acceptances(self) -> tuple[Acceptance, ...]:
        """As the gate takes them; whether they still hold is not asked here."""
        return tuple(one.acceptance for one in self.acceptances)


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """By where they are, so that a change of one is a change of one line."""
    return tuple(
        sorted(findings, key=lambda one: (one.target, one.scenario, one.phase, one.route, one.metric, one.kind))
    )
