"""One regression, gated: what the gate said, and by which figures."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from benchmarks.gate.regressions.model import OfShop, OfTarget, Pool, Regression
from benchmarks.gate.regressions.trees import ROOT, SCENARIOS, copy_of_targets, repository_of_shop
from harness.environment.stack import StackOptions
from harness.gate.carrying import Standing, carry_out_gate
from harness.gate.pairs import BASE
from harness.gate.wish import GateWish, SideWish, settle_gate
from harness.plan import Plan
from harness.planning.wish import read_plan_file
from harness.store import RunStore
from harness.subject import Subject
from reports.gate.formats import write_gate
from reports.gate.report import GateReport, judge_folder
from reports.gate.verdicts import Verdict

_COMMAND = (sys.executable, "-P", "-c", "from harness.entry import start; start()")
_MOST_TOLD = 6
_WORSE = (Verdict.BROKEN, Verdict.REGRESSED)


class Outcome(BaseModel):
    """What came of one gate. `told_by` are figures and breaches that were worse, the worst first. `earlier` are
    the gates of the same that this one came after, as they were: none is lost by another try.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    verdict: Verdict
    told_by: tuple[str, ...]
    as_expected: bool  # one of the metrics that ought to tell it did
    said: str
    pairs: int
    minutes: float
    measured_at: datetime
    commit: str
    earlier: tuple[Outcome, ...] = ()

    @property
    def caught(self) -> bool:
        """Whether the gate failed for a loss."""
        return self.verdict in _WORSE

    @property
    def first(self) -> Outcome:
        """The first gate of all."""
        return self.earlier[0] if self.earlier else self

    def after(self, before: Outcome | None) -> Outcome:
        """This one with what came before it."""
        if before is None:
            return self
        return self.model_copy(update={"earlier": (*before.earlier, before.model_copy(update={"earlier": ()}))})


def gated(one: Regression, folder: Path) -> Outcome:
    """Run its gate into `folder`. Raises PoolstormError and EditError where it cannot be run at all."""
    started_s = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="regression-") as place:
        match one.change:
            case OfTarget() as change:
                report = _of_target(one, change, folder, Path(place))
            case OfShop() as change:
                report = _of_shop(one, change, folder, Path(place))
    return outcome(one, report, minutes=(time.monotonic() - started_s) / 60)


def outcome(one: Regression, report: GateReport, *, minutes: float) -> Outcome:
    """What is kept of a gate's report."""
    result = report.result
    breaches = [breach for breach in result.breaches if breach.side == "head"]
    broken = {breach.name for breach in breaches}
    rows = [row for row in result.rows if row.verdict in _WORSE and row.metric not in broken]
    told = dict.fromkeys([*(one.name for one in breaches), *(f"{row.route} {row.metric}" for row in rows)])
    metrics = {*broken, *(row.metric for row in rows)}
    return Outcome(
        name=one.name,
        verdict=result.verdict,
        told_by=tuple(told)[:_MOST_TOLD],
        as_expected=not metrics.isdisjoint(one.expected),
        said=breaches[0].said if breaches else (rows or list(result.rows))[0].said if result.rows else result.said,
        pairs=result.pairs,
        minutes=round(minutes, 1),
        measured_at=datetime.now(UTC).replace(microsecond=0),
        commit=_commit(),
    )


def plan_of_target(one: Regression, change: OfTarget, place: Path) -> Plan:
    """The gate's plan; where code is changed, both sides run copies of it from `place`."""
    asked = GateWish(
        base=SideWish(change.base, pool=_words(change.base_pool), latency_ms=change.latency_ms),
        head=SideWish(change.head or change.base, pool=_words(change.head_pool), latency_ms=change.latency_ms),
        pairs=one.pairs,
        scenarios=(one.scenario,),
    )
    plan = settle_gate(read_plan_file(SCENARIOS), asked)
    if not change.edits:
        return plan
    trees = {
        subject.name: copy_of_targets(place / subject.name, () if subject.name == BASE else change.edits)
        for subject in plan.subjects
    }
    return replace(plan, subjects=tuple(_from(subject, trees[subject.name]) for subject in plan.subjects))


def _from(subject: Subject, tree: Path) -> Subject:
    environment = {**subject.launch.environment, "PYTHONPATH": str(tree)}
    return replace(subject, launch=replace(subject.launch, environment=environment))


def _of_target(one: Regression, change: OfTarget, folder: Path, place: Path) -> GateReport:
    plan = plan_of_target(one, change, place)

    def standing() -> Standing:
        report = judge_folder(folder, datetime.now(UTC).date())
        return Standing(is_decided=not report.result.go_on, lacking=report.lacking)

    say = partial(print, file=sys.stderr, flush=True)
    ending = carry_out_gate(
        plan, f"regression-{one.name}", RunStore.create(folder), StackOptions(), say,
        plan_at=lambda _: plan, standing=standing,
    )  # fmt: skip
    if ending.line:
        say(ending.line)
    report = judge_folder(folder, datetime.now(UTC).date())
    write_gate(report, folder)
    return report


def _of_shop(one: Regression, change: OfShop, folder: Path, place: Path) -> GateReport:
    """As a user does it: by the command, in the repository."""
    repository = repository_of_shop(place / "shop", change)
    words = ("--base-ref", "HEAD~1", "--pairs", ",".join(map(str, one.pairs)), "-s", one.scenario)
    subprocess.run([*_COMMAND, "gate", *words, "-o", str(folder.absolute())], cwd=repository, check=False)
    return judge_folder(folder, datetime.now(UTC).date())


def _words(pool: Pool) -> tuple[str, ...]:
    return tuple(f"{name}={str(value).lower()}" for name, value in pool.items())


def _commit() -> str:
    done = subprocess.run(
        ["git", "rev-parse", "--short=10", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout.strip()
