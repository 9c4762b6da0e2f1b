"""The options of the command line that are long to say or shared by several commands."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness import completion
from harness.errors import PoolstormError

if TYPE_CHECKING:
    from harness.planning.wish import PlanFile

USUAL_PLAN = completion.USUAL_PLAN
"""Taken as the plan in whose folder it lies."""

USUAL_BASELINE = Path("poolstorm-baseline.json")
"""Lies beside the usual plan."""

Targets = Annotated[
    list[str] | None,
    typer.Option(
        "--target", "-t", help="Target to run; may be repeated. Default: all.", autocompletion=completion.targets
    ),
]
Scenarios = Annotated[
    list[str] | None,
    typer.Option(
        "--scenario",
        "-s",
        help="Scenario to run; may be repeated. Default: all.",
        autocompletion=completion.scenarios,
    ),
]
DatabaseUrlOption = Annotated[
    str | None,
    typer.Option(
        "--database-url",
        envvar="POOLSTORM_DATABASE_URL",
        show_envvar=True,
        help="PostgreSQL to use, postgresql://user:password@host:port/database, in place of the embedded one. "
        "Databases of its own are created on it and dropped again.",
    ),
]
AllowRemote = Annotated[
    bool,
    typer.Option("--allow-remote-database", help="Put load on a database that is not on this machine. Be sure."),
]
ToxiproxyUrl = Annotated[
    str | None,
    typer.Option("--toxiproxy", metavar="URL", help="A running Toxiproxy, in place of one started here."),
]
Pool = Annotated[
    list[str] | None,
    typer.Option(
        "--pool",
        metavar="NAME=VALUE",
        help="Pool setting for every target, such as pool_size=5. As in SQLAlchemy, pool_size=0 and "
        "max_overflow=-1 are no limit.",
    ),
]
PlanPath = Annotated[Path | None, typer.Option("--plan", help="Plan file in TOML; options go before it.")]
Repetitions = Annotated[int | None, typer.Option("--repetitions", "-r", min=1, max=1000)]
Seed = Annotated[int | None, typer.Option("--seed", min=0, help="Fixes order, arrivals and data.")]
Duration = Annotated[
    float | None,
    typer.Option("--duration", metavar="SECONDS", help="Length of each scenario; phases keep their shares."),
]
Control = Annotated[
    str | None,
    typer.Option("--control", help="Target that the others are compared with.", autocompletion=completion.targets),
]
TwinsToo = Annotated[
    bool | None,
    typer.Option("--aa/--no-aa", help="Run the control twice per block to show the noise. Default: with -r 2."),
]
LocalWorkers = Annotated[
    int | None, typer.Option("--workers", min=1, max=64, help="Load processes; each runs its share.")
]
AttachedWorkers = Annotated[
    int | None, typer.Option("--attach", min=0, max=64, help="Further workers, started with `poolstorm worker`.")
]
Bind = Annotated[
    str | None,
    typer.Option(
        "--bind",
        metavar="HOST:PORT",
        help="Where these connect. Default: 127.0.0.1:5557. HOST is an address of this machine; for the run's "
        "time the targets listen there too, and answer whoever reaches it.",
    ),
]
OnlyClaims = Annotated[
    list[str] | None,
    typer.Option("--only", metavar="STATEMENT", help="Rule on this one only; may be repeated. Default: all."),
]
Quick = Annotated[bool, typer.Option("--quick", help="Three targets, four scenarios, two minutes.")]
App = Annotated[
    str | None,
    typer.Option(
        "--app",
        metavar="RUN",
        help="An app of yours in place of the targets: MODULE:NAME, or a command with {port} in it.",
    ),
]
AppVariables = Annotated[
    list[str] | None,
    typer.Option(
        "--env",
        metavar="NAME=VALUE",
        help="A variable for the app, such as DATABASE_URL={database_url}; may be repeated. Also "
        "{database_url+asyncpg} (psycopg, psycopg2), {jdbc_url}, {database_host} (port, user, password, name).",
    ),
]
AppReady = Annotated[
    str | None,
    typer.Option("--ready", metavar="PATH", help="Answers 200 once the app is up. Default: any answer."),
]
AppSetup = Annotated[
    str | None,
    typer.Option("--setup", metavar="COMMAND", help="Fills the app's database, once before the trials."),
]
AppPaths = Annotated[
    list[str] | None,
    typer.Option(
        "--get", metavar="PATH", help="What to read of the app; may be repeated. Default: as its OpenAPI says."
    ),
]
AppRate = Annotated[
    float | None,
    typer.Option(
        "--rate",
        metavar="PER_S",
        help="Requests a second that are usual for the app. Default: a fifth of what it is seen to bear.",
    ),
]
AppUsers = Annotated[
    int | None,
    typer.Option(
        "--users",
        min=1,
        help="Most users of a phase of closed users. Default: as the scenarios say; 10 of as-written.",
    ),
]
AppLocustfile = Annotated[
    str | None,
    typer.Option("--locustfile", metavar="FILE", help="Puts the load on the app, in place of reading paths."),
]
AppTags = Annotated[
    list[str] | None,
    typer.Option("--tags", metavar="TAG", help="Only tasks of the locustfile with this tag; may be repeated."),
]
AppTagsOut = Annotated[
    list[str] | None,
    typer.Option("--exclude-tags", metavar="TAG", help="No tasks of it with this tag; may be repeated."),
]
AppClasses = Annotated[
    list[str] | None,
    typer.Option("--user-class", metavar="NAME", help="Only users of it of this class; may be repeated."),
]
AppProbe = Annotated[
    bool | None,
    typer.Option(
        "--probe/--no-probe",
        help="Have a probe in the app's Python processes tell what their pools do. Default: yes.",
    ),
]
RouteCosts = Annotated[
    bool | None,
    typer.Option(
        "--route-costs/--no-route-costs",
        help="Ask each route by itself before the load, and record what that costs in statements, checkouts, "
        "connections and round trips. Default: where a limit needs it.",
    ),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Say what would be run, and how long it would take; start nothing.")
]
RunFolder = Annotated[
    Path | None, typer.Option("--output", "-o", help="Folder of the run. Default: runs/<date and time>.")
]

AllowDirty = Annotated[
    bool, typer.Option("--allow-dirty", help="Compare what is committed although there is more that is not.")
]
GatePairs = Annotated[
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


def usual_plan_file() -> Path | None:
    """The plan of the folder that one works in, where it has one; told, since nobody named it."""
    from harness.terminal import say

    if not USUAL_PLAN.exists():
        return None
    say(f"the plan is {USUAL_PLAN}", error=True)
    return USUAL_PLAN


def chosen_wish(plan: Path | None, **given: Any) -> PlanFile:
    """The plan that was named, or the folder's usual one, with the command line's choices before it; what is None
    there was not chosen. Raises PlanError.
    """
    from harness.planning.wish import PlanFile, merge_wishes, read_plan_file

    chosen = plan or usual_plan_file()
    return merge_wishes(read_plan_file(chosen) if chosen else PlanFile(), **given)


def new_id(of: str = "") -> str:
    """A name for what is about to be run: what it is `of`, date and time, and a little chance."""
    return f"{of}{datetime.now(UTC):%Y%m%d-%H%M%S}-{token_hex(2)}"


def require_values(arguments: Sequence[str]) -> None:
    """Raises PoolstormError for an empty argument, such as of a variable that is not set.

    As a path it would be the working directory, and as a name nothing at all.
    """
    for before, argument in pairwise(["", *arguments]):
        if not argument or re.fullmatch(r"--[a-z-]+=", argument):
            option = argument[:-1] or (before if re.fullmatch(r"--?[a-z-]+", before) else "an argument")
            raise PoolstormError(f"{option} is empty; give it a value, or leave it out")
