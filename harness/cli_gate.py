"""The command `poolstorm gate`: arguments only."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from harness.errors import PlanError
from harness.interrupts import heed_interrupts
from harness.options import (
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
    Earlier,
    Head,
    HeadApp,
    HeadEnv,
    HeadLatency,
    HeadPool,
    Judge,
    OpenVerdict,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.plan import Plan
    from harness.records import EarlierGate, GateDesign
    from reports.calibration.standing import Standings

OF_JUDGING = frozenset({"judge", "earlier", "inconclusive", "output", "baseline"})
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
    earlier: Earlier = None,
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
        from harness.gate.telling import judge_and_tell

        _require_only_judging(context)
        raise typer.Exit(judge_and_tell(judge, output, inconclusive, baseline, earlier))
    from harness.apps.locustfile import look_into
    from harness.environment.stack import StackOptions
    from harness.gate.announcing import announced, first_look, two_numbers
    from harness.gate.design import design_of
    from harness.gate.telling import accepted_on_file, run_and_tell, standing_lines_of
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
    accepting = accepted_on_file(baseline, plan)
    heed_interrupts()
    with two_sides(wish, asked, base_ref, allow_dirty=allow_dirty, say=partial(say, error=True)) as sides:
        settled = settle_gate(wish, sides, locustfile=looked_into)
        standing = _standing(design_of(settled, wish, sides), calibration or (), plan)
        run_id = new_id("gate-")
        folder = output or Path("runs") / run_id
        known = {
            "stands_on": standing[0],
            "not_calibrated": standing[1],
            "earlier": _earlier(settled, folder, earlier),
        }
        settled = _knowing(settled, known)
        if dry_run:
            print_plan(first_look(settled))
            say(announced(settled), *standing_lines_of(settled))
            return
        code = run_and_tell(
            settled,
            folder,
            run_id,
            StackOptions(database_url, toxiproxy, allow_remote_database),
            lambda usual_per_s: _knowing(
                settle_gate(wish, sides, usual_per_s=usual_per_s, locustfile=looked_into), known
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


def _earlier(settled: Plan, folder: Path, given: Path | None) -> tuple[EarlierGate, ...]:
    from reports.gate.earlier import earlier_gates

    assert settled.gate is not None
    return earlier_gates(settled.gate, folder, given)


def _knowing(settled: Plan, known: Mapping[str, object]) -> Plan:
    """The gate with what is known of it beside what it runs."""
    assert settled.gate is not None
    return replace(settled, gate=settled.gate.model_copy(update=known))


def _require_only_judging(context: typer.Context) -> None:
    """What was run is not run otherwise by saying so now."""
    for parameter in context.command.params:
        source = context.get_parameter_source(parameter.name or "")
        if source is not None and source.name == "COMMANDLINE" and parameter.name not in OF_JUDGING:
            raise PlanError(f"--judge rules on what was run; leave out {parameter.opts[0]}")


def _attempt(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else None
