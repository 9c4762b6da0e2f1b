"""The commands `poolstorm baseline`: arguments only."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from harness.errors import PlanError, shown
from harness.options import USUAL_BASELINE

if TYPE_CHECKING:
    from reports.baseline.judging import Held
    from reports.baseline.seen import Seen
    from reports.gate.verdicts import Verdict

baseline = typer.Typer(
    name="baseline",
    help="What runs are held to: counts, invariants and limits bind, clocks advise. One file, to be committed.",
    rich_markup_mode=None,
    no_args_is_help=True,
)

Run = Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a finished run or gate.")]
File = Annotated[Path, typer.Option("--file", help="The baseline's file.")]
Metric = Annotated[
    str,
    typer.Argument(
        metavar="METRIC",
        help="A finding as it is called, target/scenario/phase/route/metric, with * for any text; or a metric "
        "alone, wherever it is.",
    ),
]


@baseline.command()
def write(
    run: Run,
    file: File = USUAL_BASELINE,
    clocks: Annotated[
        bool, typer.Option("--clocks/--no-clocks", help="Also clocks and counts under load, which advise.")
    ] = True,
) -> None:
    """Write what a run counted and what held in it; clocks are put beside those of past jobs. Acceptances stay."""
    from harness.terminal import say
    from reports.baseline.renewing import unsettled

    seen = _seen(run)
    _write(seen, file, clocks=clocks)
    for line in unsettled(seen):
        say(f"not the same in every trial, and so not written: {line}", error=True)
    if not seen.counts:
        say("no counts of routes: run it with --route-costs to have them", error=True)


@baseline.command()
def show(file: File = USUAL_BASELINE) -> None:
    """Show what is on file: counts, invariants, clocks of past jobs, and what is accepted."""
    from harness.terminal import print_text
    from reports.baseline.file import read_baseline
    from reports.baseline.formats import render_baseline

    found = read_baseline(file)
    print_text(lambda width, colour: render_baseline(found, _today(), width=width, colour=colour))


@baseline.command()
def accept(
    metric: Metric,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why it may be as it is.")],
    expires: Annotated[str, typer.Option("--expires", metavar="YYYY-MM-DD", help="The last day it holds.")],
    file: File = USUAL_BASELINE,
) -> None:
    """Accept a finding for a while: gates and checks let it pass, and from the day after its last they refuse."""
    from harness.terminal import say
    from reports.baseline.file import read_baseline, write_baseline
    from reports.baseline.renewing import accepted

    day = _day(expires)
    found = accepted(read_baseline(file), metric, reason, day, _today())
    write_baseline(file, found)
    say(f"accepted until {day:%Y-%m-%d}, in {file}")


@baseline.command()
def withdraw(metric: Metric, file: File = USUAL_BASELINE) -> None:
    """Take an acceptance away again."""
    from harness.terminal import say
    from reports.baseline.file import read_baseline, write_baseline
    from reports.baseline.renewing import withdrawn

    write_baseline(file, withdrawn(read_baseline(file), metric))
    say(f"no longer accepted: {metric}")


@baseline.command()
def check(
    run: Run,
    file: File = USUAL_BASELINE,
    inconclusive: Annotated[
        Literal["warn", "fail"],
        typer.Option("--inconclusive", help="Whether a verdict that is open fails: exit code 3, or 0."),
    ] = "fail",
) -> None:
    """Hold a finished run to the baseline. The first one, without a file, is written as it.

    Exit code 0 where all holds, 4 where a request costs more, an invariant or a limit is broken, 3 where something
    could not be told, 5 where trials cannot be used or were run otherwise.
    """
    from harness.terminal import print_text, say
    from reports.baseline.file import is_there, read_baseline
    from reports.baseline.formats import render_terminal, write_held
    from reports.baseline.judging import hold
    from reports.gate.formats import commands_for
    from reports.gate.verdicts import Inconclusive, exit_code

    on_file = read_baseline(file) if is_there(file) else None
    seen = _seen(run)
    held = hold(seen, on_file, _today())
    print_text(lambda width, colour: render_terminal(held, width=width, colour=colour))
    say("", *(f"written: {path}" for path in write_held(held, run)))
    if held.may_be_first:
        _write(seen, file)
    if os.environ.get("GITHUB_ACTIONS") == "true" and (told := commands_for(_findings(held))):
        say(told)
    raise typer.Exit(int(exit_code(held.verdict, Inconclusive(inconclusive))))


def _findings(held: Held) -> list[tuple[Verdict, str]]:
    return [(row.verdict, f"{row.name}: {row.said}") for row in held.rows if row.accepted is None]


def _seen(run: Path) -> Seen:
    from reports.baseline.seen import seen_in
    from reports.read import read_run

    return seen_in(read_run(run))


def _write(seen: Seen, file: Path, *, clocks: bool = True) -> None:
    from harness.terminal import say
    from reports.baseline.file import is_there, read_baseline, write_baseline
    from reports.baseline.renewing import renewed

    write_baseline(file, renewed(read_baseline(file) if is_there(file) else None, seen, varying=clocks))
    say(f"written: {file}; commit it")


def _day(text: str) -> date:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).date()
    except ValueError:
        raise PlanError(f"--expires {shown(text)} is no day; write it like 2027-01-31") from None


def _today() -> date:
    return datetime.now(UTC).date()
