"""The options of `poolstorm gate` that are its own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from harness import completion

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
Calibrations = Annotated[
    list[Path] | None,
    typer.Option(
        "--calibration",
        metavar="FILE",
        help="A calibration.json by which this gate's errors are known; one of each kind. Default: those beside "
        "the plan, else one that comes with poolstorm.",
    ),
]
BaselineFile = Annotated[
    Path | None,
    typer.Option(
        "--baseline",
        metavar="FILE",
        help="File whose acceptances are heeded. Default: poolstorm-baseline.json beside the plan, if there.",
    ),
]
OpenVerdict = Annotated[
    Literal["warn", "fail"],
    typer.Option("--inconclusive", help="Whether a verdict that is open fails: exit code 3, or 0 with a warning."),
]
Earlier = Annotated[
    Path | None,
    typer.Option(
        "--earlier",
        metavar="FILE",
        help="The gate.json of an earlier attempt at the same head, whose verdict is told beside this one. "
        "Default: where GITHUB_RUN_ATTEMPT is 2 or more, those beside the output folder.",
    ),
]
Judge = Annotated[
    Path | None,
    typer.Option(
        "--judge",
        metavar="GATE",
        help="Rule anew on what a gate's folder holds, and run nothing. With --output its files go there.",
    ),
]
