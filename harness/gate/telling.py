"""A gate that is carried out, or judged anew, and told: where what was run meets what is ruled on it."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from harness.errors import EXIT_INTERRUPTED
from harness.options import USUAL_BASELINE

if TYPE_CHECKING:
    from harness.environment.stack import StackOptions
    from harness.plan import Plan
    from reports.gate.acceptances import Acceptance
    from reports.gate.report import GateReport


class Accepting(NamedTuple):
    """What is accepted on file, as of the day on which the gate began."""

    today: date
    acceptances: tuple[Acceptance, ...] = ()
    file: str = ""


def accepted_on_file(named: Path | None, plan: Path | None) -> Accepting:
    """Of the file that was named, or else of the one beside the plan. Raises, before anything runs, for a file
    that cannot be read and for an acceptance that is past.
    """
    from reports.baseline.file import is_there, read_baseline
    from reports.gate.acceptances import checked

    today = datetime.now(UTC).date()
    file = named or (USUAL_BASELINE if plan is None else plan.parent / USUAL_BASELINE)
    if named is None and not is_there(file):
        return Accepting(today)
    return Accepting(today, checked(read_baseline(file).all_acceptances, today), str(file))


def standing_lines_of(settled: Plan) -> tuple[str, ...]:
    """What is known of the errors of a gate that begins."""
    from reports.gate.standing import standing_lines

    assert settled.gate is not None
    return tuple(standing_lines(settled.gate.pairs, settled.gate.stands_on, settled.gate.not_calibrated))


def run_and_tell(
    settled: Plan,
    folder: Path,
    run_id: str,
    options: StackOptions,
    plan_at: Callable[[float], Plan],
    inconclusive: str,
    accepting: Accepting,
) -> int:
    """Run what was settled and rule on it; the exit code."""
    from harness.gate.announcing import announced
    from harness.gate.carrying import Standing, carry_out_gate
    from harness.store import RunStore
    from harness.terminal import say
    from reports.gate.report import judge_folder  # here: an installation that lacks a part costs no minutes

    store = RunStore.create(folder)
    looked: list[GateReport] = []

    def judged() -> GateReport:
        return judge_folder(folder, accepting.today, accepting.acceptances, accepting.file)

    def standing() -> Standing:
        looked.append(judged())
        return Standing(is_decided=not looked[-1].result.go_on, lacking=looked[-1].lacking)

    say(announced(settled), *standing_lines_of(settled), error=True)
    ending = carry_out_gate(
        settled,
        run_id,
        store,
        options,
        partial(say, error=True),
        plan_at=plan_at,
        standing=standing,
    )
    code = _tell(judged() if ending.line or not looked else looked[-1], folder, inconclusive)
    if ending.line:
        say(ending.line, error=True)
    return EXIT_INTERRUPTED if ending.exit_code == EXIT_INTERRUPTED else code


def judge_and_tell(
    folder: Path, output: Path | None, inconclusive: str, baseline: Path | None, earlier: Path | None
) -> int:
    """Rule on what was run before, and say so; the exit code."""
    from reports.gate.earlier import earlier_gates
    from reports.gate.report import judge_folder

    accepting = accepted_on_file(baseline, None)
    report = judge_folder(folder, accepting.today, accepting.acceptances, accepting.file)
    told = report.model_copy(update={"earlier": earlier_gates(report, folder, earlier)})
    return _tell(told, output or folder, inconclusive)


def _tell(report: GateReport, folder: Path, inconclusive: str) -> int:
    """Show a ruling and write it down; the exit code."""
    from harness.terminal import print_text, say
    from reports.gate.formats import render_terminal, workflow_commands, write_gate
    from reports.gate.verdicts import Inconclusive

    print_text(lambda width, colour: render_terminal(report, width=width, colour=colour))
    say("", *(f"written: {path}" for path in write_gate(report, folder)))
    if os.environ.get("GITHUB_ACTIONS") == "true" and (told := workflow_commands(report)):
        say(told)
    return int(report.exit_code(Inconclusive(inconclusive)))
