"""A gate's folder -> GateReport: what was compared, on what, and the verdict."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path

from harness.errors import RunDirectoryError
from harness.records import EarlierGate, GateRecord, GateSide, Manifest, RunState, StandsOn
from reports.files import reason_of
from reports.gate import judge
from reports.gate.acceptances import Acceptance
from reports.gate.looks import Look
from reports.gate.observing import measured, usable_pairs
from reports.gate.result import GateResult
from reports.gate.sides import Difference, differences
from reports.gate.verdicts import Exit, Inconclusive, exit_code
from reports.read import Run, read_run
from reports.summary.figures import Result


class Accepted(Result):
    """What was accepted on file when the verdict was made."""

    pattern: str
    reason: str
    expires: date


class GateReport(Result):
    """The verdict with its header. `unfinished` says why there are fewer pairs than planned, where there are."""

    run_id: str
    created_at: datetime
    took_s: float | None
    poolstorm_version: str
    machine: str
    base: GateSide
    head: GateSide
    differences: tuple[Difference, ...] = ()  # of the sides, beside what these tell themselves
    scenarios: tuple[str, ...]
    attempt: int | None
    earlier: tuple[EarlierGate, ...] = ()
    pairs_asked: tuple[int, ...] = ()  # of each look
    stands_on: tuple[StandsOn, ...] = ()
    not_calibrated: str = ""
    baseline: str = ""  # the file whose acceptances were heeded, if there was one
    accepted: tuple[Accepted, ...] = ()
    unfinished: str
    lacking: int  # pairs of which the times can be used, short of those that this look is to have
    result: GateResult

    def exit_code(self, inconclusive: Inconclusive = Inconclusive.FAIL) -> Exit:
        """What the process ends with."""
        return exit_code(self.result.verdict, inconclusive)


def judge_folder(
    folder: Path, today: date, acceptances: Iterable[Acceptance] = (), baseline: str = ""
) -> GateReport:
    """Read a gate's folder and rule on it; acceptances, of the file `baseline`, that are past `today` are refused.

    Raises RunDirectoryError where it cannot be read, or is no gate's.
    """
    return report_on(read_run(folder), today, acceptances, baseline)


def report_on(run: Run, today: date, acceptances: Iterable[Acceptance] = (), baseline: str = "") -> GateReport:
    """The same of a run that was read."""
    acceptances = tuple(acceptances)
    manifest, gate = run.manifest, run.manifest.gate
    if gate is None:
        raise RunDirectoryError(f"{run.path} is no gate's folder; name one that `poolstorm gate` wrote")
    try:
        seen = measured(run)
        result = judge(seen, today=today, look=_look(gate), acceptances=acceptances)
    except (ArithmeticError, ValueError, TypeError, LookupError) as error:
        raise RunDirectoryError(
            f"{run.path} tells what cannot have been ({reason_of(error)}); restore it or repeat the gate"
        ) from error
    return GateReport(
        run_id=manifest.run_id,
        created_at=manifest.created_at,
        took_s=(manifest.finished_at - manifest.created_at).total_seconds() if manifest.finished_at else None,
        poolstorm_version=manifest.poolstorm_version,
        machine=f"{manifest.environment.cpu_model}, {manifest.environment.cpu_count} cores",
        base=gate.base,
        head=gate.head,
        differences=differences(manifest),
        scenarios=tuple(scenario.name for scenario in manifest.scenarios),
        attempt=gate.attempt,
        earlier=gate.earlier,
        baseline=baseline,
        accepted=tuple(map(_accepted, acceptances)),
        pairs_asked=gate.pairs,
        stands_on=gate.stands_on,
        not_calibrated=gate.not_calibrated,
        unfinished=_unfinished(manifest),
        lacking=max(0, seen.pairs_planned - usable_pairs(seen)),
        result=result,
    )


def _accepted(one: Acceptance) -> Accepted:
    return Accepted(pattern=one.pattern, reason=one.reason, expires=one.expires)


def _look(gate: GateRecord) -> Look:
    if len(set(gate.pairs)) == 1:
        return Look.ONLY
    return Look.FIRST if gate.look == 1 else Look.FINAL


def _unfinished(manifest: Manifest) -> str:
    if manifest.state is RunState.FINISHED:
        return ""
    if manifest.state is RunState.RUNNING:
        return "the gate is still running, or was killed"
    return f"{manifest.state.value}{': ' if manifest.reason else ''}{manifest.reason}"
