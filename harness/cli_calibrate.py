"""The commands `poolstorm calibrate aa`, `power` and `show`: arguments only."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from harness import completion
from harness.errors import PlanError
from harness.interrupts import heed_interrupts
from harness.options import (
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
    Seed,
    ToxiproxyUrl,
)

if TYPE_CHECKING:
    from harness.records import GateCalibration

calibrate = typer.Typer(
    name="calibrate",
    help="How often does a gate err? Runs whole gates of which the answer is known.",
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Gates = Annotated[
    int | None,
    typer.Option("-n", "--gates", metavar="N", min=1, max=100_000, help="How many gates; fixed before the first."),
]
Folder = Annotated[
    Path | None,
    typer.Option("--output", "-o", help="Folder of the calibration. One that was begun goes on where it stopped."),
]
Subject = Annotated[
    str | None,
    typer.Option("--base", help="Target or app that both sides are.", autocompletion=completion.targets),
]
Revision = Annotated[
    str | None,
    typer.Option(
        "--base-ref", metavar="REV", help="Revision of the app that both sides are built of. Default: HEAD."
    ),
]
KeepRuns = Annotated[
    bool, typer.Option("--keep-runs", help="Keep every gate's run, and not only what its test was given.")
]
BaseLatency = Annotated[
    int | None,
    typer.Option("--base-latency", metavar="MS", min=0, max=1000, help="As of poolstorm gate. Default: 20."),
]
HeadLatency = Annotated[
    int | None,
    typer.Option("--head-latency", metavar="MS", min=0, max=1000, help="The same of the head. Default: 22."),
]
Planted = Annotated[
    Literal["latency", "statement"] | None,
    typer.Option("--plant", help="What the head has that the base has not. Default: latency."),
]


@calibrate.command()
def aa(
    gates: Gates = None,
    output: Folder = None,
    base: Subject = None,
    base_ref: Revision = None,
    allow_dirty: AllowDirty = False,
    pairs: GatePairs = None,
    scenario: GateScenarios = None,
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
    keep_runs: KeepRuns = False,
    dry_run: DryRun = False,
    database_url: DatabaseUrlOption = None,
    allow_remote_database: AllowRemote = False,
    toxiproxy: ToxiproxyUrl = None,
) -> None:
    """How often does a gate call the same thing worse? Both sides are the same target, or the same revision of
    your app, built twice for each gate; every loss that is found is a false alarm.

    Called again with the same folder it goes on where it stopped. Bounds are told once all gates are there.
    """
    _calibrate("aa", locals())


@calibrate.command()
def power(
    gates: Gates = None,
    output: Folder = None,
    plant: Planted = None,
    base_latency: BaseLatency = None,
    head_latency: HeadLatency = None,
    base: Subject = None,
    base_ref: Revision = None,
    allow_dirty: AllowDirty = False,
    pairs: GatePairs = None,
    scenario: GateScenarios = None,
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
    keep_runs: KeepRuns = False,
    dry_run: DryRun = False,
    database_url: DatabaseUrlOption = None,
    allow_remote_database: AllowRemote = False,
    toxiproxy: ToxiproxyUrl = None,
) -> None:
    """How often does a gate find what was planted in its head: a slower link, or one more statement a request?
    A gate that does not decide has missed it, and so has one in which what was planted was not seen to be there.
    """
    _calibrate("power", locals())


@calibrate.command()
def show(
    path: Annotated[Path, typer.Argument(metavar="CALIBRATION", help="Its folder, or a calibration.json.")],
) -> None:
    """Say what a calibration has found, with its bounds; of one that is not finished, how far it is."""
    from reports.calibration.summary import read_calibration

    _tell(read_calibration(path), None)


def _calibrate(kind: Literal["aa", "power"], given: dict[str, Any]) -> None:
    """Begin a calibration, or go on with one, and tell what came of it."""
    from harness.environment.stack import StackOptions
    from harness.gate.calibrating import Judging, carry_out_calibration
    from harness.gate.calibration_begun import begun, preview
    from harness.gate.calibration_store import held
    from harness.gate.carrying import Standing
    from harness.terminal import say
    from reports.calibration.judging import Judge
    from reports.calibration.summary import read_if_begun

    folder: Path | None = given["output"]
    if given["dry_run"]:
        preview(kind, given)
        return
    if folder is None:
        raise PlanError("name the folder of the calibration with --output; what was judged is kept there")
    heed_interrupts()
    read_if_begun(folder)  # before a file of ours is made in somebody else's folder
    with held(folder):
        store, settled = begun(kind, given, folder, read_if_begun(folder), partial(say, error=True))
        judge = Judge(folder, store.calibration.plan)

        def standing(run: Path) -> Standing:
            seen = judge.standing(run)
            return Standing(is_decided=not seen.result.go_on, lacking=seen.lacking)

        ending = carry_out_calibration(
            store,
            settled,
            StackOptions(given["database_url"], given["toxiproxy"], given["allow_remote_database"]),
            partial(say, error=True),
            Judging(standing, judge.file_of, judge.packed, judge.calibration, judge.told),
            keep_runs=given["keep_runs"],
        )
        _tell(store.calibration, folder)
    if ending.line:
        say(ending.line, error=True)
    raise typer.Exit(ending.exit_code)


def _tell(calibration: GateCalibration, folder: Path | None) -> None:
    from harness.terminal import print_text, say
    from reports.calibration.formats import render_terminal, write_calibration

    print_text(lambda width, colour: render_terminal(calibration, width=width, colour=colour))
    if folder is not None:
        say("", *(f"written: {path}" for path in write_calibration(calibration, folder)))
