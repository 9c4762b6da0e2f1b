"""The command line: arguments only. What is done stands in `harness.run`, what is said in `reports`."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from typer.exceptions import TyperException

from harness import completion
from harness.cli_baseline import baseline
from harness.cli_calibrate import calibrate
from harness.cli_catalogue import catalogue, diagnose
from harness.cli_claims import claims
from harness.cli_gate import gate
from harness.cli_init import init
from harness.errors import (
    EXIT_INTERRUPTED,
    EXIT_INVALID,
    EXIT_USAGE,
    InterruptedRunError,
    PoolstormError,
    plain_line,
)
from harness.interrupts import heed_interrupts, uninterrupted
from harness.options import (
    AllowRemote,
    App,
    AppClasses,
    AppLocustfile,
    AppPaths,
    AppProbe,
    AppRate,
    AppReady,
    AppSetup,
    AppTags,
    AppTagsOut,
    AppUsers,
    AppVariables,
    AttachedWorkers,
    Bind,
    Control,
    DatabaseUrlOption,
    DryRun,
    Duration,
    LocalWorkers,
    PlanPath,
    Pool,
    Quick,
    Repetitions,
    RouteCosts,
    RunFolder,
    Scenarios,
    Seed,
    Targets,
    ToxiproxyUrl,
    TwinsToo,
    chosen_wish,
    new_id,
    require_values,
)
from harness.output import finish_output, prepare_output
from harness.plain import plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.environment.stack import StackOptions
    from harness.plan import Plan
    from harness.run import Ending
    from reports.summary import Summary

LONGEST_ERROR = 600
"""Characters; room for a path or two, as a plan's messages have none."""

app = typer.Typer(
    name="poolstorm",
    help="Benchmark and chaos test harness for database connection pools behind FastAPI.",
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _say_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        from harness.terminal import say

        say(f"poolstorm {version('poolstorm')}")
        raise typer.Exit


@app.callback()
def _whole(
    version: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Say the version and end.")
    ] = False,
) -> None:
    """Benchmark and chaos test harness for database connection pools behind FastAPI."""


@app.command()
def run(
    target: Targets = None,
    scenario: Scenarios = None,
    plan: PlanPath = None,
    repetitions: Repetitions = None,
    seed: Seed = None,
    duration: Duration = None,
    control: Control = None,
    aa: TwinsToo = None,
    workers: LocalWorkers = None,
    attach: AttachedWorkers = None,
    bind: Bind = None,
    pool: Pool = None,
    app_run: App = None,
    env: AppVariables = None,
    ready: AppReady = None,
    setup: AppSetup = None,
    get: AppPaths = None,
    rate: AppRate = None,
    users: AppUsers = None,
    probe: AppProbe = None,
    locustfile: AppLocustfile = None,
    tags: AppTags = None,
    exclude_tags: AppTagsOut = None,
    user_class: AppClasses = None,
    quick: Quick = False,
    route_costs: RouteCosts = None,
    dry_run: DryRun = False,
    output: RunFolder = None,
    database_url: DatabaseUrlOption = None,
    allow_remote_database: AllowRemote = False,
    toxiproxy: ToxiproxyUrl = None,
) -> None:
    """Run scenarios against targets, record everything, and write the report.

    In a folder with a poolstorm.toml, that is the plan.
    """
    from harness.apps.locustfile import look_into
    from harness.environment.stack import StackOptions
    from harness.plan import build_plan

    wish = chosen_wish(
        plan,
        targets=target,
        scenarios=scenario,
        repetitions=repetitions,
        seed=seed,
        duration_s=duration,
        control=control,
        aa=aa,
        workers=workers,
        attach=attach,
        bind=bind,
        pool=pool,
        route_costs=route_costs,
        app={
            "run": app_run,
            "env": env,
            "ready": ready,
            "setup": setup,
            "get": get,
            "rate_per_s": rate,
            "users": users,
            "probe": probe,
            "locustfile": locustfile,
            "tags": tags,
            "exclude_tags": exclude_tags,
            "user_classes": user_class,
        },
    )
    looked_into = look_into(wish.all_apps, wish.duration_s)
    settled = build_plan(wish, quick=quick, locustfile=looked_into)
    if dry_run:
        from harness.preview import print_plan

        print_plan(settled)
        return
    options = StackOptions(database_url, toxiproxy, allow_remote_database)

    def plan_at(usual_per_s: float) -> Plan:
        return build_plan(wish, quick=quick, usual_per_s=usual_per_s, locustfile=looked_into)

    _carry_out(settled, output, options, plan_at)


def _carry_out(
    settled: Plan, output: Path | None, options: StackOptions, plan_at: Callable[[float], Plan]
) -> NoReturn:
    """Run what was settled, and report it."""
    from harness.preview import locustfile_lines
    from harness.run import carry_out
    from harness.store import RunStore
    from harness.terminal import say

    settled.workers.require_address()  # here, so that it costs no start of a database
    run_id = new_id()
    folder = output or Path("runs") / run_id
    heed_interrupts()  # before there is anything to be taken away again
    store = RunStore.create(folder)
    say(*locustfile_lines(settled), error=True)
    ending = carry_out(settled, run_id, store, options, partial(say, error=True), plan_at)
    _finish_run(folder, ending)


def _finish_run(folder: Path, ending: Ending) -> NoReturn:
    """Report what was kept, say how the run ended, and leave with the code that tells it."""
    from harness.terminal import say

    try:
        # Who has asked for the end has asked for what is kept; asking again shall not cost the report.
        with uninterrupted() if ending.exit_code == EXIT_INTERRUPTED else nullcontext():
            summary = _report(folder, folder)
    except KeyboardInterrupt:
        raise InterruptedRunError(
            f"interrupted before the report was written; all trials are kept: poolstorm report {folder}"
        ) from None
    finally:
        if ending.line:
            say(ending.line, error=True)
    if not summary.run.trials_completed:
        _say_unusable(folder)
        raise typer.Exit(ending.exit_code or EXIT_INVALID)
    raise typer.Exit(ending.exit_code or _held_to_limits(summary))


@app.command()
def report(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="A run's folder.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Where to write. Default: RUN.")] = None,
) -> None:
    """Compile the report of a run again: HTML, JSON, Markdown, and a table here. Exit code 5 where no trial can be
    used.
    """
    if not _report(folder, output or folder).run.trials_completed:
        _say_unusable(folder)
        raise typer.Exit(EXIT_INVALID)


def _say_unusable(folder: Path) -> None:
    from harness.terminal import say

    say(f"no trial of {folder} can be used; the report says why", error=True)


def _held_to_limits(summary: Summary) -> int:
    """The exit code by the plan's absolute limits, and a line for what is broken or open."""
    from harness.terminal import say
    from reports.analysis.limits import exit_code_of, told_limits

    if told := told_limits(summary):
        say(told, error=True)
    return exit_code_of(summary)


def _report(folder: Path, output: Path) -> Summary:
    """Compile, show and write the report. Limits are judged before anything is shown, which is shown first."""
    from harness.terminal import print_text, say
    from reports.analyse import analyse
    from reports.formats import terminal
    from reports.read import read_run
    from reports.write import write_summary

    run = read_run(folder)
    summary = analyse(run)
    print_text(lambda width, colour: terminal.render(summary, width=width, colour=colour))
    written = write_summary(summary, output)
    say("", *(f"written: {path}" for path in written))
    if run.manifest.gate is not None:
        say(f"this is a gate's folder; its verdict: poolstorm gate --judge {folder}", error=True)
    return summary


@app.command()
def compare(
    first: Annotated[Path, typer.Argument(metavar="RUN_A", help="The run or gate to compare with.")],
    second: Annotated[Path, typer.Argument(metavar="RUN_B", help="The run or gate to compare.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder to write to. Default: comparison-A-B beside RUN_B."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON in place of the tables.")] = False,
) -> None:
    """Set two finished runs side by side: what changed, by how much, and whether beyond their noise. It advises:
    exit code 0, or 5 where nothing can be compared. HTML, JSON, Markdown, and a table here.
    """
    from harness.terminal import print_text, say
    from reports.compare.folders import compare_folders
    from reports.formats import json, terminal
    from reports.write import write_comparison

    found = compare_folders(first, second)
    folder = output or second.resolve().parent / f"comparison-{found.a.run_id}-{found.b.run_id}"
    written = write_comparison(found, folder)
    print_text(
        lambda width, colour: (
            json.render_comparison(found)
            if as_json
            else terminal.render_comparison(found, width=width, colour=colour)
        )
    )
    say("", *(f"written: {path}" for path in written), error=as_json)
    if found.is_empty:
        say("nothing of A and B can be compared: no phase has usable requests in both", error=True)
        raise typer.Exit(EXIT_INVALID)


app.command()(init)
app.command()(claims)
app.command()(gate)
app.command(name="diagnose")(diagnose)
app.command()(catalogue)
app.add_typer(calibrate)
app.add_typer(baseline)


@app.command(name="list")
def list_() -> None:
    """Name the targets, the scenarios and the faults, and what each teaches."""
    from harness.terminal import print_catalogue

    print_catalogue()


@app.command()
def doctor() -> None:
    """Say what is found, what is missing and how to get it. Exit code 2 where something essential is missing."""
    from harness.doctor import diagnose, essential_missing, render
    from harness.terminal import say

    discoveries = diagnose()
    say(*render(discoveries))
    if essential_missing(discoveries):
        raise typer.Exit(EXIT_USAGE)


@app.command()
def serve(
    target: Annotated[
        str,
        typer.Argument(
            metavar="TARGET", help="The target to bring up.", autocompletion=completion.standard_targets
        ),
    ],
    port: Annotated[int | None, typer.Option("--port", min=1, max=65535, help="Port of the target.")] = None,
    pool: Pool = None,
    database_url: DatabaseUrlOption = None,
    allow_remote_database: AllowRemote = False,
    toxiproxy: ToxiproxyUrl = None,
) -> None:
    """Keep PostgreSQL, Toxiproxy and one target up, to explore by hand or with Locust's web UI."""

    from harness.environment.stack import StackOptions
    from harness.serve import serve_target
    from harness.terminal import say

    heed_interrupts()
    serve_target(
        target,
        port=port,
        pool_options=pool or [],
        options=StackOptions(database_url, toxiproxy, allow_remote_database),
        say=say,
    )


@app.command()
def worker(
    master: Annotated[str, typer.Argument(metavar="HOST:PORT", help="Where a run with --attach listens.")],
) -> None:
    """Lend this process to a run with --attach, trial after trial, until Ctrl-C."""
    from harness.load.attached import lend
    from harness.terminal import say

    heed_interrupts()
    lend(master, say)


def main() -> NoReturn:
    """Entry point: every foreseen error is one line on standard error, and an exit code."""
    prepare_output()
    try:
        require_values(sys.argv[1:])
        code = app(args=sys.argv[1:] or ["--help"], standalone_mode=False)
    except PoolstormError as error:
        code = _fail(str(error), error.exit_code)
    except TyperException as error:
        code = _fail(f"{plain_line(error.format_message().rstrip('.'))}; see 'poolstorm --help'", EXIT_USAGE)
    sys.exit(finish_output(code or 0))


def _fail(line: str, code: int) -> int:
    print(f"error: {plain_line(plain(line), LONGEST_ERROR)}", file=sys.stderr)  # noqa: T201
    return code
