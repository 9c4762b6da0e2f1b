"""The commands `poolstorm catalogue` and `poolstorm diagnose`: arguments only."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from harness.errors import EXIT_INVALID
from harness.interrupts import heed_interrupts
from harness.options import AllowRemote, DatabaseUrlOption, Seed, ToxiproxyUrl, new_id

MATRIX_FILE = "index.md"


def catalogue(
    failure: Annotated[
        list[str] | None, typer.Argument(metavar="FAILURE", help="Failures to bring out. Default: all.")
    ] = None,
    repetitions: Annotated[
        int, typer.Option("--repetitions", "-r", min=1, max=100, help="Trials of each app.")
    ] = 3,
    seed: Seed = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder to write. Default: runs/catalogue-<date and time>."),
    ] = None,
    read: Annotated[
        Path | None, typer.Option("--from", metavar="FOLDER", help="Judge anew what was measured before.")
    ] = None,
    matrix: Annotated[
        Path | None, typer.Option("--matrix", metavar="FILE", help="Write the matrix to this file as well.")
    ] = None,
    database_url: DatabaseUrlOption = None,
    allow_remote_database: AllowRemote = False,
    toxiproxy: ToxiproxyUrl = None,
) -> None:
    """Bring each failure of the catalogue out, on a broken app and on its cured twin, and see whether diagnosis
    names the one and leaves the other alone.
    """
    from harness.catalogue.carrying import carry_out_catalogue
    from harness.catalogue.rows import chosen_failures
    from harness.environment.stack import StackOptions
    from harness.plan import DEFAULT_SEED
    from harness.terminal import say

    chosen = chosen_failures(failure)
    if read is not None:
        _judge(read, output or read, matrix)
        return
    catalogue_id = new_id("catalogue-")
    folder = output or Path("runs") / catalogue_id
    heed_interrupts()
    ending = carry_out_catalogue(
        chosen,
        folder,
        catalogue_id,
        StackOptions(database_url, toxiproxy, allow_remote_database),
        partial(say, error=True),
        repetitions=repetitions,
        seed=DEFAULT_SEED if seed is None else seed,
    )
    try:
        _judge(folder, folder, matrix)
    finally:
        if ending.line:
            say(ending.line, error=True)
    raise typer.Exit(ending.exit_code)


def _judge(folder: Path, output: Path, matrix: Path | None) -> None:
    from harness.terminal import print_text, say
    from reports.catalogue import read_catalogue
    from reports.catalogue.formats import render_markdown, render_terminal
    from reports.write import write_texts

    report = read_catalogue(folder)
    print_text(lambda width, colour: render_terminal(report, width=width, colour=colour))
    text = render_markdown(report)
    written = write_texts(output, {MATRIX_FILE: text})
    if matrix is not None:
        written += write_texts(matrix.parent, {matrix.name: text})
    say("", *(f"written: {path}" for path in written))


def diagnose(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="A run's folder.")],
    probe: Annotated[
        bool, typer.Option("--probe/--no-probe", help="Put aside what a probe in the app told.")
    ] = True,
) -> None:
    """Say what is wrong with the pools of a run, from what was recorded: what shows it, and what mends it. Exit
    code 5 where no trial can be used.
    """
    from harness.terminal import print_text, say
    from reports.analyse import analyse
    from reports.diagnosis.formats import render_terminal
    from reports.read import read_run

    summary = analyse(read_run(folder), probed=probe)
    if not summary.run.trials_completed:
        say(f"no trial of {folder} can be used; `poolstorm report {folder}` says why", error=True)
        raise typer.Exit(EXIT_INVALID)
    print_text(lambda width, colour: render_terminal(summary, width=width, colour=colour))
