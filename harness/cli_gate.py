"""The command `poolstorm gate`: arguments only."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from harness import completion
from harness.errors import EXIT_INTERRUPTED, PlanError, shown
from harness.interrupts import heed_interrupts
from harness.options import (
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
    PlanPath,
    Pool,
    RunFolder,
    Seed,
    ToxiproxyUrl,
    chosen_wish,
    new_id,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.environment.stack import StackOptions
    from harness.plan import Plan
    from reports.gate.report import GateReport

Base = Annotated[
    str | None,
    typer.Option("--base", help="Target, app or variant to compare with.", autocompletion=completion.targets),
]
Head = Annotated[
    str | None,
    typer.Option("--head", help="Target, app or variant that is judged.", autocompletion=completion.targets),
]
BasePool = Annotated[
    list[str] | None, typer.Option("--base-pool", metavar="NAME=VALUE", help="Pool setting of the base only.")
]
HeadPool = Annotated[
    list[str] | None, typer.Option("--head-pool", metavar="NAME=VALUE", help="Pool setting of the head only.")
]
BaseEnv = Annotated[
    list[str] | None, typer.Option("--base-env", metavar="NAME=VALUE", help="Variable of the base app only.")
]
HeadEnv = Annotated[
    list[str] | None, typer.Option("--head-env", metavar="NAME=VALUE", help="Variable of the head app only.")
]
BaseApp = Annotated[str | None, typer.Option("--base-app", metavar="RUN", help="The base's command, as in --app.")]
HeadApp = Annotated[str | None, typer.Option("--head-app", metavar="RUN", help="The head's command, as in --app.")]
BaseLatency = Annotated[
    int,
    typer.Option(
        "--base-latency",
        metavar="MS",
        min=0,
        max=1000,
        help="Hold back each answer of the base's database so long.",
    ),
]
HeadLatency = Annotated[
    int, typer.Option("--head-latency", metavar="MS", min=0, max=1000, help="The same of the head's database.")
]
BaseRef = Annotated[
    str | None,
    typer.Option(
        "--base-ref",
        metavar="REV",
        help="Compare the app as it is committed with this revision of it, each installed into an environment of "
        "its own. Default, where there is an app and nothing else is named: where its branch began.",
    ),
]
AllowDirty = Annotated[
    bool, typer.Option("--allow-dirty", help="Compare what is committed although there is more that is not.")
]
Pairs = Annotated[
    str | None,
    typer.Option(
        "--pairs",
        metavar="FIRST,SECOND",
        help="Judge after so many pairs, and where that decides nothing after so many. Default: 12,20.",
    ),
]
GateScenarios = Annotated[
    list[str] | None,
    typer.Option(
        "--scenario",
        "-s",
        help="Scenario of each pair; may be repeated. Default: gate, a steady load.",
        autocompletion=completion.scenarios,
    ),
]
OpenVerdict = Annotated[
    Literal["warn", "fail"],
    typer.Option("--inconclusive", help="Whether a verdict that is open fails: exit code 3, or 0 with a warning."),
]


def gate(
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
    pairs: Pairs = None,
    scenario: GateScenarios = None,
    inconclusive: OpenVerdict = "fail",
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
    from harness.apps.locustfile import look_into
    from harness.environment.stack import StackOptions
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
        pairs=_two_numbers(pairs) if pairs else wish.gate.pairs or USUAL_PAIRS,
        scenarios=tuple(scenario or wish.gate.scenarios or (USUAL_SCENARIO,)),
        attempt=_attempt(os.environ.get("GITHUB_RUN_ATTEMPT", "")),
    )
    heed_interrupts()
    with two_sides(wish, asked, base_ref, allow_dirty=allow_dirty, say=partial(say, error=True)) as sides:
        settled = settle_gate(wish, sides, locustfile=looked_into)
        if dry_run:
            print_plan(settled)
            return
        code = _carry_out(
            settled,
            output,
            StackOptions(database_url, toxiproxy, allow_remote_database),
            lambda usual_per_s: settle_gate(wish, sides, usual_per_s=usual_per_s, locustfile=looked_into),
            inconclusive,
        )
    raise typer.Exit(code)


def _carry_out(
    settled: Plan, output: Path | None, options: StackOptions, plan_at: Callable[[float], Plan], inconclusive: str
) -> int:
    """Run what was settled and rule on it; the exit code."""
    from harness.gate.carrying import Standing, carry_out_gate
    from harness.store import RunStore
    from harness.terminal import say
    from reports.gate.report import (
        judge_folder,
    )  # here, so that an installation that lacks a part costs no minutes

    run_id = new_id("gate-")
    folder = output or Path("runs") / run_id
    store = RunStore.create(folder)
    looked: list[GateReport] = []

    def judged() -> GateReport:
        return judge_folder(folder, datetime.now(UTC).date())

    def standing() -> Standing:
        looked.append(judged())
        return Standing(is_decided=not looked[-1].result.go_on, lacking=looked[-1].lacking)

    say(_announced(settled), error=True)
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


def _announced(settled: Plan) -> str:
    """How many pairs, and for how long."""
    from harness.gate.pairs import first_pairs
    from harness.terminal import minutes

    assert settled.gate is not None
    took = [minutes(first_pairs(settled, pairs).expected_s()) for pairs in settled.gate.pairs]
    first, last = settled.gate.pairs[0], settled.gate.pairs[-1]
    if first == last:
        return f"{first} pairs, about {took[0]}"
    return f"{first} pairs, about {took[0]}; where these decide nothing {last}, about {took[-1]} in all"


def _two_numbers(text: str) -> tuple[int, int]:
    first, comma, second = text.partition(",")
    try:
        return int(first), int(second if comma else first)
    except ValueError:
        raise PlanError(f"--pairs {shown(text)}: write two whole numbers, such as 12,20") from None


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
