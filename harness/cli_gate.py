"""The command `poolstorm gate`: arguments only."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import typer

from harness.errors import EXIT_INTERRUPTED, PlanError
from harness.interrupts import heed_interrupts
from harness.options import (
    USUAL_BASELINE,
    USUAL_PLAN,
    AllowDirty,
    AllowRemote,
    App,
    AppLocustfile,
    AppPaths,
    AppProbe,
    AppRate,
    AppReady,
    AppSetup,
    AppVariables,
    DatabaseUrlOption,
    DryRun,
    Duration,
    GatePairs,
    GateScenarios,
    PlanPath,
    Pool,
    RunFolder,
    Seed,
    ToxiproxyUrl,
    chosen_wish,
    new_id,
)
from harness.options_gate import (
    Base,
    BaseApp,
    BaseEnv,
    BaseLatency,
    BaselineFile,
    BasePool,
    BaseRef,
    Calibrations,
    Head,
    HeadApp,
    HeadEnv,
    HeadLatency,
    HeadPool,
    Judge,
    OpenVerdict,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from harness.environment.stack import StackOptions
    from harness.plan import Plan
    from harness.records import GateDesign
    from reports.calibration.standing import Standings
    from reports.gate.acceptances import Acceptance
    from reports.gate.report import GateReport

OF_JUDGING = frozenset({"judge", "inconclusive", "output", "baseline"})
"""Parameters that --judge goes with."""


def gate(
    context: typer.Context,
    base: Base = None,
    head: Head = None,
    base_ref: BaseRef = None,
    allow_dirty: AllowDirty = False,
    base_pool: BasePool = None,
    head_pool: HeadPool = None,
    base_app: BaseApp = None,
    head_app: HeadApp = None,
    base_env: BaseEnv = None,
    head_env: HeadEnv = None,
    base_latency: BaseLatency = 0,
    head_latency: HeadLatency = 0,
    pairs: GatePairs = None,
    scenario: GateScenarios = None,
    inconclusive: OpenVerdict = "fail",
    calibration: Calibrations = None,
    baseline: BaselineFile = None,
    judge: Judge = None,
    plan: PlanPath = None,
    seed: Seed = None,
    duration: Duration = None,
    pool: Pool = None,
    app_run: App = None,
    env: AppVariables = None,
    ready: AppReady = None,
    setup: AppSetup = None,
    get: AppPaths = None,
    rate: AppRate = None,
    probe: AppProbe = None,
    locustfile: AppLocustfile = None,
    dry_run: DryRun = False,
    output: RunFolder = None,
    database_url: DatabaseUrlOption = None,
    allow_remote_database: AllowRemote = False,
    toxiproxy: ToxiproxyUrl = None,
) -> None:
    """Is the head worse than the base? Runs both side by side, pair after pair, and rules with known error rates.

    Exit code 0 where nothing is worse, 4 where something is, 3 where that is open, 5 where the measurement itself
    failed.
    """
    if judge is not None:
        raise typer.Exit(_judge_anew(context, judge, output, inconclusive, baseline))
    from harness.apps.locustfile import look_into
    from harness.environment.stack import StackOptions
    from harness.gate.announcing import announced, first_look, two_numbers
    from harness.gate.design import design_of
    from harness.gate.two import two_sides
    from harness.gate.wish import USUAL_PAIRS, USUAL_SCENARIO, GateWish, SideWish, settle_gate
    from harness.preview import print_plan
    from harness.terminal import say

    wish = chosen_wish(
        plan,
        seed=seed,
        duration_s=duration,
        pool=pool,
        app={
            "run": app_run or base_app or head_app,
            "env": env,
            "ready": ready,
            "setup": setup,
            "get": get,
            "rate_per_s": rate,
            "probe": probe,
            "locustfile": locustfile,
        },
    )
    looked_into = look_into(wish.all_apps, wish.duration_s)
    asked = GateWish(
        base=SideWish(base, base_app, tuple(base_pool or ()), tuple(base_env or ()), base_latency),
        head=SideWish(head, head_app, tuple(head_pool or ()), tuple(head_env or ()), head_latency),
        pairs=two_numbers(pairs) if pairs else wish.gate.pairs or USUAL_PAIRS,
        scenarios=tuple(scenario or wish.gate.scenarios or (USUAL_SCENARIO,)),
        attempt=_attempt(os.environ.get("GITHUB_RUN_ATTEMPT", "")),
    )
    accepting = _accepting(baseline, plan)
    heed_interrupts()
    with two_sides(wish, asked, base_ref, allow_dirty=allow_dirty, say=partial(say, error=True)) as sides:
        settled = settle_gate(wish, sides, locustfile=looked_into)
        standing = _standing(design_of(settled, wish, sides), calibration or (), plan)
        settled = _on(settled, standing)
        if dry_run:
            print_plan(first_look(settled))
            say(announced(settled), *_standing_lines(settled))
            return
        code = _carry_out(
            settled,
            output,
            StackOptions(database_url, toxiproxy, allow_remote_database),
            lambda usual_per_s: _on(
                settle_gate(wish, sides, usual_per_s=usual_per_s, locustfile=looked_into), standing
            ),
            inconclusive,
            accepting,
        )
    raise typer.Exit(code)


def _standing(design: GateDesign, given: Sequence[Path], plan: Path | None) -> Standings:
    """What is known of the gate's errors; looked for beside the plan that is used."""
    from harness.environment.facts import this_machine
    from reports.calibration.standing import standings

    chosen = plan or (USUAL_PLAN if USUAL_PLAN.exists() else None)
    return standings(design, this_machine(), given=given, beside=None if chosen is None else chosen.parent)


def _on(settled: Plan, standing: Standings) -> Plan:
    """The gate with what it stands on."""
    assert settled.gate is not None
    known = {"stands_on": standing[0], "not_calibrated": standing[1]}
    return replace(settled, gate=settled.gate.model_copy(update=known))


def _standing_lines(settled: Plan) -> tuple[str, ...]:
    from reports.gate.standing import standing_lines

    assert settled.gate is not None
    return tuple(standing_lines(settled.gate.pairs, settled.gate.stands_on, settled.gate.not_calibrated))


class Accepting(NamedTuple):
    """What is accepted on file, as of the day on which the gate began."""

    today: date
    acceptances: tuple[Acceptance, ...] = ()
    file: str = ""


def _accepting(named: Path | None, plan: Path | None) -> Accepting:
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


def _carry_out(
    settled: Plan,
    output: Path | None,
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

    run_id = new_id("gate-")
    folder = output or Path("runs") / run_id
    store = RunStore.create(folder)
    looked: list[GateReport] = []

    def judged() -> GateReport:
        return judge_folder(folder, accepting.today, accepting.acceptances, accepting.file)

    def standing() -> Standing:
        looked.append(judged())
        return Standing(is_decided=not looked[-1].result.go_on, lacking=looked[-1].lacking)

    say(announced(settled), *_standing_lines(settled), error=True)
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


def _judge_anew(
    context: typer.Context, folder: Path, output: Path | None, inconclusive: str, baseline: Path | None
) -> int:
    """Rule on what was run before, and say so; the exit code."""
    from reports.gate.report import judge_folder

    _require_only_judging(context)
    accepting = _accepting(baseline, None)
    report = judge_folder(folder, accepting.today, accepting.acceptances, accepting.file)
    return _tell(report, output or folder, inconclusive)


def _require_only_judging(context: typer.Context) -> None:
    """What was run is not run otherwise by saying so now."""
    for parameter in context.command.params:
        source = context.get_parameter_source(parameter.name or "")
        if source is not None and source.name == "COMMANDLINE" and parameter.name not in OF_JUDGING:
            raise PlanError(f"--judge rules on what was run; leave out {parameter.opts[0]}")


def _attempt(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else None


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
